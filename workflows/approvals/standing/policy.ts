// Where a request stands against its policy: the open step, what each of its groups has and lacks, and whose votes would
// still count. Pure; what the gates, the texts and the row's projection are made from.
import { approvingPermissions, looksNeeded } from '../contract.ts';
import type { ApprovalPolicy, ApprovalView, CastVote, OpenTo, PolicyGroup, Voter } from '../contract.ts';
import { hasRoom, seat } from '../assignment.ts';
import type { Hall, Seating } from '../assignment.ts';

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

type Weighed = Pick<ApprovalView, 'policy' | 'escalated'>;

const anybodyHolding: Voter = { roles: [], holds: true, delegators: [] };

interface Room extends Hall {
  /** Whose place it is, where it is a listed user's. */
  of: (number | null)[];
  groups: PolicyGroup[];
}

function roomOf(groups: PolicyGroup[]): Room {
  const places = groups.flatMap(({ users, count }, group): { group: number; room: number; of: number | null }[] =>
    users ? users.map(({ id }) => ({ group, room: 1, of: id })) : [{ group, room: count, of: null }],
  );
  return { seats: groups.map(({ count }) => count), places, of: places.map(({ of }) => of), groups };
}

/** The places that a vote may take; after an escalation those of every group for who is of the role. */
function choicesOf({ policy, escalated }: Weighed, room: Room, userId: number, voter: Voter): number[] {
  const { escalateTo } = policy;
  const everywhere = voter.holds && escalated && escalateTo !== null && voter.roles.includes(escalateTo.id);
  const mine = room.places.map(({ group }, place): boolean => {
    const { role } = room.groups[group] ?? { role: null };
    const of = room.of[place] ?? null;
    if (everywhere) return true;
    if (of !== null) return (voter.holds && of === userId) || voter.delegators.includes(of);
    if (role) return voter.holds && voter.roles.includes(role.id);
    return voter.holds || voter.delegators.length > 0;
  });
  return [...mine.keys()].filter((place) => mine[place]);
}

interface Seated {
  room: Room;
  choices: number[][];
  seating: Seating;
}

function seated(weighed: Weighed, groups: PolicyGroup[], votes: readonly CastVote[]): Seated {
  const room = roomOf(groups);
  const choices = votes.map(({ userId, voter }) => choicesOf(weighed, room, userId, voter ?? anybodyHolding));
  return { room, choices, seating: seat(room, choices) };
}

const ofStep = <V extends CastVote>(votes: readonly V[], step: number): V[] =>
  votes.filter((vote) => (vote.step ?? 0) === step);

/** What each group has of these votes. */
function standingOf<V extends CastVote>({ room, seating }: Seated, votes: readonly V[]): GroupStanding<V>[] {
  return room.groups.map((group, index) => {
    const have = votes.filter((_, vote) => {
      const place = seating[vote] ?? null;
      return place !== null && room.places[place]?.group === index;
    });
    return { group, have, lacks: group.count - have.length };
  });
}

/** Where votes, in the order of their casting, have brought a request. */
export function standing<V extends CastVote>(view: Weighed & { votes: readonly V[] }): Standing<V> {
  const { steps } = view.policy;
  for (const [step, { groups }] of steps.entries()) {
    const votes = ofStep(view.votes, step);
    const found = standingOf(seated(view, groups, votes), votes);
    if (found.some(({ lacks }) => lacks > 0)) return { step, groups: found };
  }
  return { step: steps.length, groups: [] };
}

export const isSatisfied = (view: ApprovalView): boolean => standing(view).step === view.policy.steps.length;

/** What one more vote would be worth in the open step. */
export type Worth = 'counts' | 'later step' | 'group complete' | 'no group';

export function worthOf(view: ApprovalView, userId: number, voter: Voter): Worth {
  const { step } = standing(view);
  const { steps } = view.policy;
  const open = steps[step];
  if (!open) return 'no group';
  const { room, choices, seating } = seated(view, open.groups, ofStep(view.votes, step));
  const mine = choicesOf(view, room, userId, voter);
  if (mine.some((place) => hasRoom(room, choices, seating, place))) return 'counts';
  if (mine.length > 0) return 'group complete';
  const later = steps.slice(step + 1).some(({ groups }) => choicesOf(view, roomOf(groups), userId, voter).length > 0);
  return later ? 'later step' : 'no group';
}

const nobody: OpenTo = { anyone: false, roles: [], users: [] };

/** Others than the starter who have still to look at what was started without approval. */
export const missingLooks = ({ brokeGlassById, votes }: Pick<ApprovalView, 'brokeGlassById' | 'votes'>): number =>
  brokeGlassById === null ? 0 : looksNeeded - votes.filter(({ userId }) => userId !== brokeGlassById).length;

export const awaitsLooks = (view: Pick<ApprovalView, 'brokeGlassById' | 'votes'>): boolean => missingLooks(view) > 0;

/** What the looks that are missing would be as a group. */
export const looksGroup: PolicyGroup = { role: null, users: null, count: looksNeeded };

/** Whose votes would count now, as far as the policy says. */
export function openTo(
  view: Pick<ApprovalView, 'status' | 'policy' | 'votes' | 'escalated' | 'brokeGlassById'>,
): OpenTo {
  if (awaitsLooks(view)) return { ...nobody, anyone: true };
  const { step } = standing(view);
  const open = view.policy.steps[step];
  if (view.status !== 'wait_review' || !open) return nobody;
  const { room, choices, seating } = seated(view, open.groups, ofStep(view.votes, step));
  const free = [...room.places.keys()].filter((place) => hasRoom(room, choices, seating, place));
  const groups = free.map((place) => room.groups[room.places[place]?.group ?? 0]);
  const roles = groups.flatMap((group) => (group?.role ? [group.role.id] : []));
  const { escalateTo } = view.policy;
  return {
    anyone: groups.some((group) => group && !group.role && !group.users),
    roles: [...new Set([...roles, ...(view.escalated && escalateTo ? [escalateTo.id] : [])])],
    users: [...new Set(free.flatMap((place) => room.of[place] ?? []))],
  };
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

/** Which votes are missing and from whom, in words; empty when none are. */
export function missingVotes(view: ApprovalView): string {
  const permission = approvingPermissions[view.kind];
  if (awaitsLooks(view)) {
    return `${missingLooks(view)} more to look at it afterwards, by holders of ${permission}`;
  }
  const { step, groups } = standing(view);
  const { steps, escalateTo } = view.policy;
  const lacking = groups.filter(({ lacks }) => lacks > 0);
  if (lacking.length === 0) return '';
  const wanted = lacking.map(({ group, lacks }) => `${lacks} more ${nameOf(group, permission)}`).join(', ');
  const anyRole = view.escalated && escalateTo ? `, or of role ${escalateTo.name}` : '';
  return `${wanted}${anyRole}${steps.length > 1 ? ` (step ${step + 1} of ${steps.length})` : ''}`;
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
  const room = roomOf([group]);
  return people.filter(({ userId, voter }) => choicesOf(weighed, room, userId, voter).length > 0);
}

/**
 * The first group that these people cannot satisfy besides the others; a person votes once in all steps. undefined: they
 * can.
 */
export function unsatisfiable(
  policy: ApprovalPolicy,
  people: readonly Candidate[],
): { step: number; group: number; has: number } | undefined {
  const groups = policy.steps.flatMap((one) => one.groups);
  const found = standingOf(seated({ policy, escalated: false }, groups, people), people);
  const index = found.findIndex(({ lacks }) => lacks > 0);
  if (index < 0) return undefined;
  let [step, group] = [0, index];
  for (const { groups: own } of policy.steps) {
    if (group < own.length) break;
    [step, group] = [step + 1, group - own.length];
  }
  return { step, group, has: found[index]?.have.length ?? 0 };
}
