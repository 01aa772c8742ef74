// Whether the votes of a request still suffice: counts them by their voters' present rights, under the request's own policy
// and under the one that would be chosen now.
import type { Kysely } from 'kysely';
import { loadSubject } from '../../db/access/rights.ts';
import type { Subject } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import type { VotedOn } from '../../db/approvals/people.ts';
import { votesOf } from '../../db/approvals/votes.ts';
import type { Database } from '../../db/database.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, CastVote, SentBack } from '../../workflows/approvals/contract.ts';
import { msg } from '../../kit/messages/message.ts';
import { isSatisfied, missingUnder, missingVotes } from '../../workflows/approvals/quorum.ts';

/** The part of a request that votes are weighed by. */
interface WeighedRequest extends VotedOn {
  planRound: number;
  planHash: string | null;
  creatorId: number;
  changedById: number | null;
  escalated: boolean;
}

interface WeighedVote extends CastVote {
  user: string;
  counts: boolean;
}

interface Policies {
  /** The request's own. */
  kept: ApprovalPolicy;
  /** That of a request made now. */
  chosen: ApprovalPolicy;
}

/** Whether a voter may still see the request. */
type Sees = (subject: Subject) => Promise<boolean>;

/** Returns why a request must go back to review; null: its votes suffice. */
export async function weighVotes(
  db: Kysely<Database>,
  request: WeighedRequest,
  { kept, chosen }: Policies,
  sees: Sees,
): Promise<SentBack | null> {
  const votes = await votesNow(db, request, sees);
  const counting = votes.filter(({ counts }) => counts);
  const { kind, escalated, creatorId, changedById, planHash, planRound } = request;
  const weighed = { escalated, creatorId, changedById };
  const missing = missingUnder({ ...weighed, policy: chosen }, counting, approvingPermissions[kind]);
  if (missing && !isSame(kept, chosen)) {
    return { reason: msg('policy_applies_now', { policy: chosen.name, reason: missing }), policy: chosen };
  }
  if (isSatisfied({ ...weighed, policy: kept, votes: counting })) return null;
  const gone = votes.filter(({ counts }) => !counts).map(({ user }) => user);
  const view = { ...weighed, kind, status: 'wait_review', policy: kept, votes: counting } as const;
  const lacks = missingVotes({ ...view, ownerId: creatorId, planHash, planRound, brokeGlassById: null });
  const reason = lacks ?? '';
  const users = gone.join(' and ');
  return {
    reason: users === '' ? msg('votes_not_enough', { reason }) : msg('votes_no_longer_count', { users, reason }),
  };
}

/** The votes of the present round, each with its voter's present rights. */
async function votesNow(db: Kysely<Database>, request: WeighedRequest, sees: Sees): Promise<WeighedVote[]> {
  const votes = await votesOf(db, request.kind, request);
  const enabled = await db
    .selectFrom('users')
    .select('id')
    .where('id', 'in', [0, ...votes.map(({ userId }) => userId)])
    .where('status', '=', 'enabled')
    .execute();
  return Promise.all(
    votes.map(async ({ userId, user, step }) => {
      const subject = await loadSubject(db, userId);
      const voter = await voterOf(db, subject, request);
      const isThere = enabled.some(({ id }) => id === userId) && (await sees(subject));
      return { userId, user, step, voter, counts: isThere && (voter.seats ?? []).length > 0 };
    }),
  );
}

/** Whether two policies ask the same people, whatever their names. */
const isSame = (one: ApprovalPolicy, other: ApprovalPolicy): boolean => asked(one) === asked(other);

const asked = ({ steps, creatorMayVote, escalateTo }: ApprovalPolicy): string =>
  JSON.stringify([
    creatorMayVote,
    escalateTo?.id,
    steps.map(({ groups }) => groups.map(({ role, users, count }) => [role?.id, users?.map(({ id }) => id), count])),
  ]);
