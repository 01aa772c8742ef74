// Whether an approval still holds: counts votes by their voters' present rights, under the task's policy and under the one
// that would be chosen now. Checked before every start and every batch of a rollout.
import type { Kysely } from 'kysely';
import { loadSubject, mayOn } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import { choosePolicy } from '../../db/approvals/policies.ts';
import type { Database } from '../../db/database.ts';
import { policyOf, requestKind, votesOf } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, CastVote } from '../../workflows/approvals/contract.ts';
import { isSatisfied, missingUnder, missingVotes } from '../../workflows/approvals/quorum.ts';
import { levels } from '../../workflows/deploy/contract.ts';
import type { SentBack } from '../../workflows/deploy/ports.ts';
import { msg } from '../../kit/messages/message.ts';

interface WeighedVote extends CastVote {
  user: string;
  counts: boolean;
}

/** Returns why a task must go back to review; null: its approval holds. */
export async function weighApproval(db: Kysely<Database>, task: NamedDeployTask): Promise<SentBack | null> {
  if (task.status === 'running' && task.brokeGlassById !== null) return null;
  const { applicationId, level } = task;
  const { row, policy: chosen } = await choosePolicy(db, { kind: requestKind, applicationId, level });
  const least = row?.minLevel ?? null;
  if (least !== null && levels.indexOf(level) > levels.indexOf(least)) {
    return { reason: msg('policy_demands_level', { policy: chosen.name, level: least }), policy: chosen };
  }
  const kept = policyOf(task);
  return task.status === 'wait_review' ? weighGlass(kept, chosen) : weighVotes(db, task, kept, chosen);
}

/** A start without approval requires a role of the present policy. */
function weighGlass(kept: ApprovalPolicy, chosen: ApprovalPolicy): SentBack | null {
  if (chosen.breakGlass?.id === kept.breakGlass?.id) return null;
  const whom = chosen.breakGlass ? msg('role_named', { role: chosen.breakGlass.name }) : msg('nobody');
  return { reason: msg('policy_lets_break_glass', { policy: chosen.name, whom }), policy: chosen };
}

async function weighVotes(
  db: Kysely<Database>,
  task: NamedDeployTask,
  kept: ApprovalPolicy,
  chosen: ApprovalPolicy,
): Promise<SentBack | null> {
  const votes = await votesNow(db, task);
  const counting = votes.filter(({ counts }) => counts);
  const { escalated, creatorId, changedById } = task;
  const weighed = { escalated, creatorId, changedById };
  const permission = approvingPermissions[requestKind];
  const missing = missingUnder({ ...weighed, policy: chosen }, counting, permission);
  if (missing && !isSame(kept, chosen)) {
    return { reason: msg('policy_applies_now', { policy: chosen.name, reason: missing }), policy: chosen };
  }
  if (isSatisfied({ ...weighed, policy: kept, votes: counting })) return null;
  const gone = votes.filter(({ counts }) => !counts).map(({ user }) => user);
  const view = { ...weighed, kind: requestKind, status: 'wait_review', policy: kept, votes: counting } as const;
  const lacks = missingVotes({
    ...view,
    ownerId: task.ownerId,
    planHash: task.planHash,
    planRound: task.planRound,
    brokeGlassById: null,
  });
  const reason = lacks ?? '';
  return {
    reason:
      gone.length > 0
        ? msg('votes_no_longer_count', { users: gone.join(' and '), reason })
        : msg('votes_not_enough', { reason }),
  };
}

/** The votes of the present round, each with its voter's present rights. */
async function votesNow(db: Kysely<Database>, task: NamedDeployTask): Promise<WeighedVote[]> {
  const votes = await votesOf(db, [task]);
  const enabled = await db
    .selectFrom('users')
    .select('id')
    .where('id', 'in', [0, ...votes.map(({ userId }) => userId)])
    .where('status', '=', 'enabled')
    .execute();
  return Promise.all(
    votes.map(async ({ userId, user, step }) => {
      const subject = await loadSubject(db, userId);
      const voter = await voterOf(db, subject, { kind: requestKind, ...task });
      const sees = await mayOn(db, subject, 'application', 'view_app', task.applicationId);
      const counts = enabled.some(({ id }) => id === userId) && sees === 'yes' && (voter.seats ?? []).length > 0;
      return { userId, user, step, voter, counts };
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
