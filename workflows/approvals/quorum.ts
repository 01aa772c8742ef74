// Whether a request's policy has its quorum: the open step, the votes and gaps of its groups, and whose votes would still
// count. Pure; basis of the gates, the texts and the row's projection.
import { approvingPermissions, looksNeeded } from './contract.ts';
import type { ApprovalPolicy, ApprovalView, CastVote, OpenTo, PolicyGroup, Seat, Voter } from './contract.ts';
import { hasRoom, match } from './vote-matching.ts';
import type { Choice } from './vote-matching.ts';
import { listOf, say } from '../problems/problem.ts';
import type { Message } from '../problems/problem.ts';

interface GroupStanding<V extends CastVote = CastVote> {
  group: PolicyGroup;
  have: V[];
  lacks: number;
}

interface Standing<V extends CastVote = CastVote> {
  /** From 0; equals the number of steps when all are satisfied. */
  step: number;
  /** Groups of the open step; empty when all are satisfied. */
  groups: GroupStanding<V>[];
}

type Weighed = Pick<ApprovalView, 'policy' | 'escalated'> & Partial<Pick<ApprovalView, 'creatorId' | 'changedById'>>;

const anybodyHolding: Voter = { roles: [], holds: true, delegators: [] };

const isBoss = ({ policy, escalated }: Weighed, roles: readonly number[]): boolean =>
  escalated && policy.escalateTo !== null && roles.includes(policy.escalateTo.id);

/** Whether a seat's holder belongs to a group; after an escalation, the escalation role belongs to every group. */
const belongs = (weighed: Weighed, { userId, roles }: Seat, { role, users }: PolicyGroup): boolean =>
  isBoss(weighed, roles) || (users ? users.some(({ id }) => id === userId) : role === null || roles.includes(role.id));

/** Whether a seat is unusable: creators and changers have no vote, unless the policy allows it. */
const isBarred = ({ policy, creatorId, changedById }: Weighed, userId: number): boolean =>
  !policy.creatorMayVote && (userId === creatorId || userId === changedById);

const indexesOf = (groups: PolicyGroup[], is: (group: PolicyGroup) => boolean): number[] =>
  [...groups.keys()].filter((index) => is(groups[index] as PolicyGroup));

/** The seats that a vote may take, with the groups of a step in which each counts. */
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

/** A listed user's seat in one group, for votes from before delegates used their delegators' seats. */
const listedSeat = (userId: number, step: number, group: number): string => `${userId} in ${step}.${group}`;

/** Weighs votes from before delegates used their delegators' seats by the old rule, so that replay decides the same. */
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
  /** Seats taken by votes of earlier steps: a person counts once over all steps. */
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

/** The votes counted for each group. */
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

/** The state of a request after these votes, in the order of casting. */
export function standing<V extends CastVote>(view: Weighed & { votes: readonly V[] }): Standing<V> {
  const round = openRound(view);
  return round ? { step: round.step, groups: standingOf(round) } : { step: view.policy.steps.length, groups: [] };
}

export const isSatisfied = (view: Weighed & { votes: readonly CastVote[] }): boolean => openRound(view) === undefined;

/** The effect of one more vote in the open step. */
type Worth = 'counts' | 'later step' | 'group complete' | 'seat taken' | 'no group';

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

/** A review after a break-glass start also takes a seat, but not that of the creator or starter. */
function lookOf({ brokeGlassById, creatorId }: Looked, { userId, voter }: CastVote): Choice[] {
  const seats = voter?.seats?.filter((one) => one.userId !== creatorId) ?? [{ userId }];
  return seats.filter((one) => one.userId !== brokeGlassById).map((one) => ({ seat: String(one.userId), groups: [0] }));
}

/** Missing reviews of a start without approval, by people other than the starter. */
function missingLooks(view: Looked): number {
  if (view.brokeGlassById === null) return 0;
  const looks = view.votes.map((vote) => lookOf(view, vote));
  return looksNeeded - match([looksNeeded], looks).filter((place) => place !== null).length;
}

export const awaitsLooks = (view: Looked): boolean => missingLooks(view) > 0;

/** Whether one more review would be by another person. */
export const looksAgain = (view: Looked, look: CastVote): boolean =>
  hasRoom(
    [looksNeeded],
    view.votes.map((vote) => lookOf(view, vote)),
    lookOf(view, look),
  );

/** The missing reviews as a group. */
export const looksGroup: PolicyGroup = { role: null, users: null, count: looksNeeded };

/** The users whose votes would count now, by the policy. */
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

/** Seats that hold a vote, so that neither their holders nor delegates can cast another. */
function takenIn(needs: readonly number[], votes: Choice[][], used: ReadonlySet<string>): Pick<OpenTo, 'taken'> {
  const seats = new Map<string, Set<number>>();
  for (const { seat: name, groups } of votes.flat()) seats.set(name, new Set([...(seats.get(name) ?? []), ...groups]));
  const stuck = [...seats].filter(([name, groups]) => !hasRoom(needs, votes, [{ seat: name, groups: [...groups] }]));
  const taken = [...used, ...stuck.map(([name]) => name)].map(Number).filter(Number.isInteger);
  return taken.length > 0 ? { taken: [...new Set(taken)] } : {};
}

/** Same, for a request without votes. */
export const openAtFirst = (policy: ApprovalPolicy): OpenTo =>
  openTo({ status: 'wait_review', policy, votes: [], escalated: false, brokeGlassById: null });

const listedNames = 5;

function lacking({ role, users }: PolicyGroup, n: number, permission: string): Message {
  if (role) return say('more_of_role', { n, role: role.name });
  if (!users) return say('more_by_holders', { n, permission });
  const names = users
    .slice(0, listedNames)
    .map(({ username }) => username)
    .join(', ');
  const others = users.length - listedNames;
  return others > 0
    ? say('more_of_users_and_others', { n, users: names, m: others })
    : say('more_of_users', { n, users: names });
}

const wanted = (groups: readonly GroupStanding[], permission: string): Message[] =>
  groups.filter(({ lacks }) => lacks > 0).map(({ group, lacks }) => lacking(group, lacks, permission));

/** The missing votes and voters; null when the quorum is reached. */
export function missingVotes(view: ApprovalView): Message | null {
  const permission = approvingPermissions[view.kind];
  if (awaitsLooks(view)) {
    return say('more_looks', { n: missingLooks(view), permission });
  }
  const { step, groups } = standing(view);
  const { steps, escalateTo } = view.policy;
  const missing = wanted(groups, permission);
  if (missing.length === 0) return null;
  const anyRole = view.escalated && escalateTo ? [say('or_of_role', { role: escalateTo.name })] : [];
  const mistake = listOf([...missing, ...anyRole]);
  return steps.length > 1 ? say('at_step', { mistake, n: step + 1, m: steps.length }) : mistake;
}

const hourMs = 3_600_000;

/** When an undecided request expires, by the begin of its review; ISO 8601. */
export const expiryOf = ({ expireAfterHours }: ApprovalPolicy, since: string): string | null =>
  expireAfterHours === null ? null : new Date(Date.parse(since) + expireAfterHours * hourMs).toISOString();

/** Total number of approvals that a policy requires. */
export const requiredVotes = (policy: ApprovalPolicy): number =>
  policy.steps.flatMap(({ groups }) => groups).reduce((sum, { count }) => sum + count, 0);

interface Candidate {
  userId: number;
  voter: Voter;
}

/** The people whose vote could count in a group. */
export function candidatesOf<C extends Candidate>(weighed: Weighed, group: PolicyGroup, people: readonly C[]): C[] {
  return people.filter(({ userId, voter }) => choicesOf(weighed, [group], 0, userId, voter).length > 0);
}

/** The votes counted for each group, over all steps at once: a person votes once in all steps. */
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

/** The votes missing if a policy applied to votes cast under another; null when the quorum is reached. */
export function missingUnder(weighed: Weighed, votes: readonly CastVote[], permission: string): Message | null {
  const missing = wanted(atOnce(weighed, votes), permission);
  return missing.length > 0 ? listOf(missing) : null;
}

/**
 * The first group that these people cannot satisfy together with the other groups; a person votes once in all steps.
 * undefined: they can.
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
