// Where a request stands against its policy: the open step, what each of its groups has and lacks, and whose votes would
// still count. Pure; what the gates, the texts and the row's projection are made from.
import { approvingPermissions, looksNeeded } from './contract.ts';
import type { ApprovalPolicy, ApprovalView, CastVote, OpenTo, PolicyGroup, Seat, Voter } from './contract.ts';
import { hasRoom, match } from './vote-matching.ts';
import type { Choice } from './vote-matching.ts';

export interface GroupStanding<V extends CastVote = CastVote> {
  group: PolicyGroup;
  have: V[];
  lacks: number;
}

export interface Standing<V extends CastVote = CastVote> {
  /** From 0; the number of steps when all are satisfied. */
  step: number;
  /** Of the open step; empty when there is none. */
  groups: GroupStanding<V>[];
}

type Weighed = Pick<ApprovalView, 'policy' | 'escalated'> & Partial<Pick<ApprovalView, 'creatorId' | 'changedById'>>;

const anybodyHolding: Voter = { roles: [], holds: true, delegators: [] };

const isBoss = ({ policy, escalated }: Weighed, roles: readonly number[]): boolean =>
  escalated && policy.escalateTo !== null && roles.includes(policy.escalateTo.id);

/** Whether the holder of a seat belongs to a group; after an escalation its role belongs to every group. */
const belongs = (weighed: Weighed, { userId, roles }: Seat, { role, users }: PolicyGroup): boolean =>
  isBoss(weighed, roles) || (users ? users.some(({ id }) => id === userId) : role === null || roles.includes(role.id));

/** The seats of those who may not vote themselves are nobody's, unless the policy lets creators vote. */
const isBarred = ({ policy, creatorId, changedById }: Weighed, userId: number): boolean =>
  !policy.creatorMayVote && (userId === creatorId || userId === changedById);

const indexesOf = (groups: PolicyGroup[], is: (group: PolicyGroup) => boolean): number[] =>
  [...groups.keys()].filter((index) => is(groups[index] as PolicyGroup));

/** The seats that a vote may take, and the groups of a step in which each would count. */
function choicesOf(weighed: Weighed, groups: PolicyGroup[], step: number, userId: number, voter: Voter): Choice[] {
  const { seats } = voter;
  const choices = seats
    ? seats
        .filter((one) => !isBarred(weighed, one.userId))
        .map((one) => ({
          seat: String(one.userId),
          groups: indexesOf(groups, (group) => belongs(weighed, one, group)),
        }))
    : unseated(weighed, groups, step, userId, voter);
  return choices.filter((choice) => choice.groups.length > 0);
}

/** The seat that a listed user has in one group, in votes from before delegates sat in their givers' seats. */
const listedSeat = (userId: number, step: number, group: number): string => `${userId} in ${step}.${group}`;

/** A vote from before delegates sat in their givers' seats is weighed as it was then: a replay decides the same. */
function unseated(weighed: Weighed, groups: PolicyGroup[], step: number, userId: number, voter: Voter): Choice[] {
  const { holds, roles, delegators } = voter;
  const everywhere = holds && isBoss(weighed, roles);
  const own = indexesOf(groups, ({ role, users }) => {
    if (everywhere) return true;
    if (users) return false;
    return role ? holds && roles.includes(role.id) : holds || delegators.length > 0;
  });
  const listed = groups.flatMap(({ users }, group) =>
    (users ?? [])
      .filter(({ id }) => (holds && id === userId) || delegators.includes(id))
      .map(({ id }) => ({ seat: listedSeat(id, step, group), groups: [group] })),
  );
  return [...listed, { seat: String(userId), groups: own }];
}

/** Votes in the seats of one step. */
interface Round<V extends CastVote> {
  step: number;
  groups: PolicyGroup[];
  needs: number[];
  votes: V[];
  choices: Choice[][];
  /** Seats that votes of earlier steps have taken: a person counts once in all steps. */
  used: ReadonlySet<string>;
}

function roundOf<V extends CastVote>(
  weighed: Weighed,
  step: number,
  groups: PolicyGroup[],
  votes: V[],
  used: ReadonlySet<string>,
): Round<V> {
  const choices = votes.map(({ userId, voter }) =>
    choicesOf(weighed, groups, step, userId, voter ?? anybodyHolding).filter((one) => !used.has(one.seat)),
  );
  return { step, groups, needs: groups.map(({ count }) => count), votes, choices, used };
}

/** What each group has of these votes. */
function standingOf<V extends CastVote>({ groups, needs, votes, choices }: Round<V>): GroupStanding<V>[] {
  const seating = match(needs, choices);
  return groups.map((group, index) => {
    const have = votes.filter((_, vote) => seating[vote]?.group === index);
    return { group, have, lacks: group.count - have.length };
  });
}

/** The first step whose groups lack votes; undefined when all are satisfied. */
function openRound<V extends CastVote>(view: Weighed & { votes: readonly V[] }): Round<V> | undefined {
  const used = new Set<string>();
  for (const [step, { groups }] of view.policy.steps.entries()) {
    const votes = view.votes.filter((vote) => (vote.step ?? 0) === step);
    const round = roundOf(view, step, groups, votes, new Set(used));
    if (standingOf(round).some(({ lacks }) => lacks > 0)) return round;
    for (const place of match(round.needs, round.choices)) if (place) used.add(place.seat);
  }
  return undefined;
}

/** Where votes, in the order of their casting, have brought a request. */
export function standing<V extends CastVote>(view: Weighed & { votes: readonly V[] }): Standing<V> {
  const round = openRound(view);
  return round ? { step: round.step, groups: standingOf(round) } : { step: view.policy.steps.length, groups: [] };
}

export const isSatisfied = (view: Weighed & { votes: readonly CastVote[] }): boolean => openRound(view) === undefined;

/** What one more vote would be worth in the open step. */
export type Worth = 'counts' | 'later step' | 'group complete' | 'seat taken' | 'no group';

export function worthOf(view: ApprovalView, userId: number, voter: Voter): Worth {
  const { steps } = view.policy;
  const round = openRound(view);
  if (!round) return 'no group';
  const mine = choicesOf(view, round.groups, round.step, userId, voter);
  const free = mine.filter((one) => !round.used.has(one.seat));
  if (hasRoom(round.needs, round.choices, free)) return 'counts';
  if (mine.length > 0) {
    const lacking = standingOf(round).map(({ lacks }) => lacks > 0);
    return mine.some(({ groups }) => groups.some((group) => lacking[group])) ? 'seat taken' : 'group complete';
  }
  const isLater = ({ groups }: { groups: PolicyGroup[] }, after: number): boolean =>
    choicesOf(view, groups, round.step + 1 + after, userId, voter).length > 0;
  return steps.slice(round.step + 1).some(isLater) ? 'later step' : 'no group';
}

const nobody: OpenTo = { anyone: false, roles: [], users: [] };

type Looked = Pick<ApprovalView, 'brokeGlassById' | 'votes'> & Partial<Pick<ApprovalView, 'creatorId'>>;

/** A look is cast in a seat too, in nobody's who made or started the request. */
function lookOf({ brokeGlassById, creatorId }: Looked, { userId, voter }: CastVote): Choice[] {
  const seats = voter?.seats?.filter((one) => one.userId !== creatorId) ?? [{ userId }];
  return seats.filter((one) => one.userId !== brokeGlassById).map((one) => ({ seat: String(one.userId), groups: [0] }));
}

/** Others than the starter who have still to look at what was started without approval. */
export function missingLooks(view: Looked): number {
  if (view.brokeGlassById === null) return 0;
  const looks = view.votes.map((vote) => lookOf(view, vote));
  return looksNeeded - match([looksNeeded], looks).filter((place) => place !== null).length;
}

export const awaitsLooks = (view: Looked): boolean => missingLooks(view) > 0;

/** Whether one more look would be another person's. */
export const looksAgain = (view: Looked, look: CastVote): boolean =>
  hasRoom(
    [looksNeeded],
    view.votes.map((vote) => lookOf(view, vote)),
    lookOf(view, look),
  );

/** What the looks that are missing would be as a group. */
export const looksGroup: PolicyGroup = { role: null, users: null, count: looksNeeded };

/** Whose votes would count now, as far as the policy says. */
export function openTo(
  view: Pick<ApprovalView, 'status' | 'policy' | 'votes' | 'escalated' | 'brokeGlassById'> & Partial<ApprovalView>,
): OpenTo {
  if (awaitsLooks(view)) {
    const looks = view.votes.map((vote) => lookOf(view, vote));
    return { ...nobody, anyone: true, ...takenIn([looksNeeded], looks, new Set()) };
  }
  const round = view.status === 'wait_review' ? openRound(view) : undefined;
  if (!round) return nobody;
  const { needs, choices, used } = round;
  const isFree = (name: string, group: number): boolean =>
    !used.has(name) && hasRoom(needs, choices, [{ seat: name, groups: [group] }]);
  const groups = round.groups.filter((_, group) => isFree('somebody', group));
  const users = round.groups.flatMap((group, index) =>
    (group.users ?? [])
      .filter(({ id }) => isFree(String(id), index) && isFree(listedSeat(id, round.step, index), index))
      .map(({ id }) => id),
  );
  const roles = groups.flatMap(({ role }) => (role ? [role.id] : []));
  const { escalateTo } = view.policy;
  return {
    anyone: groups.some((group) => !group.role && !group.users),
    roles: [...new Set([...roles, ...(view.escalated && escalateTo ? [escalateTo.id] : [])])],
    users: [...new Set(users)],
    ...takenIn(needs, choices, used),
  };
}

/** Whose seats hold a vote already, so that neither they nor their delegates can cast another in them. */
function takenIn(needs: readonly number[], votes: Choice[][], used: ReadonlySet<string>): Pick<OpenTo, 'taken'> {
  const seats = new Map<string, Set<number>>();
  for (const { seat: name, groups } of votes.flat()) seats.set(name, new Set([...(seats.get(name) ?? []), ...groups]));
  const stuck = [...seats].filter(([name, groups]) => !hasRoom(needs, votes, [{ seat: name, groups: [...groups] }]));
  const taken = [...used, ...stuck.map(([name]) => name)].map(Number).filter(Number.isInteger);
  return taken.length > 0 ? { taken: [...new Set(taken)] } : {};
}

/** The same of a request that nobody has voted on. */
export const openAtFirst = (policy: ApprovalPolicy): OpenTo =>
  openTo({ status: 'wait_review', policy, votes: [], escalated: false, brokeGlassById: null });

const listedNames = 5;

function nameOf({ role, users }: PolicyGroup, permission: string): string {
  if (role) return `of role ${role.name}`;
  if (!users) return `by holders of ${permission}`;
  const names = users.slice(0, listedNames).map(({ username }) => username);
  return `of ${[...names, ...(users.length > listedNames ? [`${users.length - listedNames} others`] : [])].join(', ')}`;
}

const wanted = (groups: readonly GroupStanding[], permission: string): string =>
  groups
    .filter(({ lacks }) => lacks > 0)
    .map(({ group, lacks }) => `${lacks} more ${nameOf(group, permission)}`)
    .join(', ');

/** Which votes are missing and from whom, in words; empty when none are. */
export function missingVotes(view: ApprovalView): string {
  const permission = approvingPermissions[view.kind];
  if (awaitsLooks(view)) {
    return `${missingLooks(view)} more to look at it afterwards, by holders of ${permission}`;
  }
  const { step, groups } = standing(view);
  const { steps, escalateTo } = view.policy;
  const missing = wanted(groups, permission);
  if (missing === '') return '';
  const anyRole = view.escalated && escalateTo ? `, or of role ${escalateTo.name}` : '';
  return `${missing}${anyRole}${steps.length > 1 ? ` (step ${step + 1} of ${steps.length})` : ''}`;
}

const hourMs = 3_600_000;

/** When a request whose review began then is closed if nobody decides; ISO 8601. */
export const expiryOf = ({ expireAfterHours }: ApprovalPolicy, since: string): string | null =>
  expireAfterHours === null ? null : new Date(Date.parse(since) + expireAfterHours * hourMs).toISOString();

/** Distinct approvals that a policy asks for in all. */
export const requiredVotes = (policy: ApprovalPolicy): number =>
  policy.steps.flatMap(({ groups }) => groups).reduce((sum, { count }) => sum + count, 0);

export interface Candidate {
  userId: number;
  voter: Voter;
}

/** Those of these people whose vote could count in a group. */
export function candidatesOf<C extends Candidate>(weighed: Weighed, group: PolicyGroup, people: readonly C[]): C[] {
  return people.filter(({ userId, voter }) => choicesOf(weighed, [group], 0, userId, voter).length > 0);
}

/** What each group of a policy, of whatever step, has of these votes: a person votes once in all steps. */
const atOnce = <V extends CastVote>(weighed: Weighed, votes: readonly V[]): GroupStanding<V>[] =>
  standingOf(
    roundOf(
      weighed,
      0,
      weighed.policy.steps.flatMap((one) => one.groups),
      [...votes],
      new Set(),
    ),
  );

/** Which votes a policy would miss if it applied to votes that were cast under another; empty when none. */
export function missingUnder(weighed: Weighed, votes: readonly CastVote[], permission: string): string {
  return wanted(atOnce(weighed, votes), permission);
}

/**
 * The first group that these people cannot satisfy besides the others; a person votes once in all steps. undefined: they
 * can.
 */
export function unsatisfiable(
  policy: ApprovalPolicy,
  people: readonly Candidate[],
): { step: number; group: number; has: number } | undefined {
  const found = atOnce({ policy, escalated: false }, people);
  const index = found.findIndex(({ lacks }) => lacks > 0);
  if (index < 0) return undefined;
  let [step, group] = [0, index];
  for (const { groups: own } of policy.steps) {
    if (group < own.length) break;
    [step, group] = [step + 1, group - own.length];
  }
  return { step, group, has: found[index]?.have.length ?? 0 };
}
