// Whether a deploy task's approval still holds. Checked before every start and every batch of a rollout.
import type { Kysely } from 'kysely';
import { mayOn } from '../../db/access/rights.ts';
import { choosePolicy } from '../../db/approvals/policies.ts';
import { policyOf } from '../../db/approvals/votes.ts';
import type { Database } from '../../db/database.ts';
import { deployTable } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import type { ApprovalPolicy, SentBack } from '../../workflows/approvals/contract.ts';
import { msg } from '../../kit/messages/message.ts';
import { levels } from '../../workflows/deploy/contract.ts';
import { weighVotes } from '../approvals/weigh-votes.ts';

/** Returns why a task must go back to review; null: its approval holds. */
export async function weighApproval(db: Kysely<Database>, task: NamedDeployTask): Promise<SentBack | null> {
  if (task.status === 'running' && task.brokeGlassById !== null) return null;
  const { kind } = deployTable;
  const { applicationId, level } = task;
  const { row, policy: chosen } = await choosePolicy(db, { kind, applicationId, level });
  const least = row?.minLevel ?? null;
  if (least !== null && levels.indexOf(level) > levels.indexOf(least)) {
    return { reason: msg('policy_demands_level', { policy: chosen.name, level: least }), policy: chosen };
  }
  const kept = policyOf(task);
  if (task.status === 'wait_review') return weighGlass(kept, chosen);
  return weighVotes(
    db,
    { ...task, kind },
    { kept, chosen },
    async (subject) => (await mayOn(db, subject, 'application', 'view_app', applicationId)) === 'yes',
  );
}

/** A start without approval requires a role of the present policy. */
function weighGlass(kept: ApprovalPolicy, chosen: ApprovalPolicy): SentBack | null {
  if (chosen.breakGlass?.id === kept.breakGlass?.id) return null;
  const whom = chosen.breakGlass ? msg('role_named', { role: chosen.breakGlass.name }) : msg('nobody');
  return { reason: msg('policy_lets_break_glass', { policy: chosen.name, whom }), policy: chosen };
}
