// The transitions and changes of deploy tasks (see db/approvals/transitions.ts).
import type { Kysely, Transaction, Updateable } from 'kysely';
import type { ApprovalPolicy, OpenTo } from '../../workflows/approvals/contract.ts';
import type {
  DeployAside,
  DeployPlan,
  DeployTaskFields,
  DeployTaskStatus,
  DeployTransition,
  Level,
} from '../../workflows/deploy/contract.ts';
import { auditText } from '../../kit/messages/audit-text.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { choosePolicy, demandLevel } from '../approvals/policies.ts';
import { lockRequest, recordStep, wordsOf, writeTransition } from '../approvals/transitions.ts';
import type { TransitionRules } from '../approvals/transitions.ts';
import { addEvent, policyOf } from '../approvals/votes.ts';
import type { AuditChanges } from '../audit/tables.ts';
import type { Database } from '../database.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { isUniqueViolation } from '../core/errors.ts';
import { json } from '../core/jsonb.ts';
import type { DeployTables } from './tables.ts';
import { announce, waitingTasks } from './waiting-tasks.ts';
import { deployTable, deployTask, putPlan } from './tasks.ts';
import type { NamedDeployTask } from './tasks.ts';

const asideOf = ({ trouble, ...also }: DeployAside = {}) => ({
  ...also,
  ...(trouble !== undefined && { trouble: wordsOf(trouble) ?? null }),
});

/** Where the audit lists what happens to a deploy task. */
export const deployAudit = ({ fullName }: Pick<NamedDeployTask, 'fullName'>) =>
  ({ view: 'app', area: 'deploy', opType: 'update', targetName: fullName }) as const;

/** What the request half needs of deploy tasks. */
export const deployRules: TransitionRules<NamedDeployTask> = {
  table: deployTable,
  find: deployTask,
  refuse(task, { status, vote, brokeGlass }) {
    // A workflow that was not started by the API may claim any approval.
    if (status === 'running' && task.status === 'wait_review' && brokeGlass !== true) {
      throw new Problem('not_approved_yet');
    }
    if (vote && task.packageUnread !== null) throw new Problem('package_unread', { reason: task.packageUnread });
  },
  columns: (_task, { status, delegation, brokeGlass, actor, also }): Updateable<DeployTables['deployTasks']> => ({
    ...(status && statusColumns(status)),
    ...asideOf(also),
    ...(delegation?.phase === 'ownership' && { ownerId: delegation.toId }),
    ...(brokeGlass && { brokeGlassById: actor.id }),
  }),
  async followUp(tx, task, { status }) {
    if (status && task.status === 'running') await announceEnd(tx, task);
  },
  audited: (task) => ({
    ...deployAudit(task),
    label: auditText('deploy_task_of_version', { id: task.id, version: task.version }),
  }),
};

/** The audit record of one step of a deploy task. */
export const recordDeployStep = (
  tx: Transaction<Database>,
  by: Actor,
  task: NamedDeployTask,
  event: string,
  more?: Parameters<typeof recordStep>[5],
): Promise<void> => recordStep(tx, deployRules, by, task, event, more);

/** Throws Problem `another_running` when a second task of the application would run. */
export async function recordTransition(db: Kysely<Database>, input: DeployTransition): Promise<void> {
  try {
    await db.transaction().execute((tx) => writeTransition(tx, deployRules, input.taskId, input));
  } catch (error) {
    if (!isUniqueViolation(error, 'deploy_tasks_one_running')) throw error;
    throw await anotherRunning(db, input.taskId);
  }
}

/** The next task of the application may be waiting for this one's end. */
async function announceEnd(tx: Transaction<Database>, { applicationId }: NamedDeployTask): Promise<void> {
  const reach = { applicationId, productionId: null };
  if ((await waitingTasks(tx, reach)).length > 0) await announce(tx, reach);
}

function statusColumns(status: DeployTaskStatus): Updateable<DeployTables['deployTasks']> {
  switch (status) {
    case 'running':
      return { status, startedTime: new Date() };
    case 'finished':
    case 'failed':
    case 'rejected':
    case 'closed':
      return { status, finishedTime: new Date(), heldBy: null, paused: false, nextBatchTime: null };
    case 'wait_review':
      return { status };
    case 'approved':
      return { status, trouble: null };
  }
}

async function anotherRunning(db: Kysely<Database>, taskId: number): Promise<Problem> {
  const other = await db
    .selectFrom('deployTasks')
    .select('id')
    .where('status', '=', 'running')
    .where('applicationId', '=', (eb) => eb.selectFrom('deployTasks').select('applicationId').where('id', '=', taskId))
    .executeTakeFirst();
  return other ? new Problem('another_running', { id: other.id }) : new Problem('conflict');
}

interface ChangedTask {
  status: DeployTaskStatus;
  level: NamedDeployTask['level'];
  version: string;
  requiredApprovals: number;
  policy: ApprovalPolicy;
  plannedExecTime: string;
  autoStart: boolean;
  rolling: boolean;
}

/** What a change needs of others: the plan of the changed task, made in its transaction of texts rendered before, and its projection. */
interface ChangeParts {
  compose(tx: Transaction<Database>, task: NamedDeployTask): Promise<DeployPlan>;
  approval(policy: ApprovalPolicy): { openTo: OpenTo; requiredApprovals: number };
}

/** Stores new fields in a new round. Another level may match another policy, so the policy is chosen again. */
export async function recordChange(
  db: Kysely<Database>,
  input: { taskId: number; seq: number; round: number; actor: Actor; fields: DeployTaskFields },
  { compose, approval }: ChangeParts,
): Promise<ChangedTask> {
  return db.transaction().execute(async (tx) => {
    const { taskId, seq, round, actor, fields } = input;
    const before = await lockRequest(tx, deployRules, taskId);
    if (before.seq < seq) {
      const { plannedExecTime, level, strategy, ...plain } = fields;
      const policy = level && level !== before.level ? await policyFor(tx, before, level) : policyOf(before);
      const { openTo, requiredApprovals } = approval(policy);
      await tx
        .updateTable('deployTasks')
        .set({
          ...present(plain),
          ...(level && { level }),
          policy: json(policy),
          requiredApprovals,
          openTo: json(openTo),
          changedById: actor.id,
          ...(strategy !== undefined && { strategy: strategy && json(strategy) }),
          trouble: null,
          ...(plannedExecTime && { plannedExecTime: new Date(plannedExecTime) }),
          seq,
          planRound: round,
          planHash: null,
          status: policy.steps.length === 0 ? 'approved' : 'wait_review',
        })
        .where('id', '=', taskId)
        .execute();
      const changed = await lockRequest(tx, deployRules, taskId);
      await putPlan(tx, taskId, round, await compose(tx, changed));
      await addEvent(tx, {
        kind: deployTable.kind,
        requestId: taskId,
        event: 'changed',
        by: actor.username,
        channel: actor.channel,
      });
      await recordDeployStep(tx, actor, changed, 'changed', { changes: changesOf(before, changed) });
    }
    const now = await lockRequest(tx, deployRules, taskId);
    const { status, level, version, requiredApprovals, autoStart } = now;
    const plannedExecTime = now.plannedExecTime.toISOString();
    const bySelf = { autoStart, rolling: now.strategy !== null };
    return { status, level, version, requiredApprovals, policy: policyOf(now), plannedExecTime, ...bySelf };
  });
}

async function policyFor(
  tx: Transaction<Database>,
  { applicationId }: NamedDeployTask,
  level: Level,
): Promise<ApprovalPolicy> {
  const { row, policy } = await choosePolicy(tx, { kind: deployTable.kind, applicationId, level });
  demandLevel(row, level);
  return policy;
}

type Plain = Omit<DeployTaskFields, 'plannedExecTime' | 'level' | 'strategy'>;

const present = (fields: Plain): Updateable<DeployTables['deployTasks']> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

function changesOf(before: NamedDeployTask, after: NamedDeployTask): AuditChanges {
  const keys = [
    'version',
    'description',
    'level',
    'packageSource',
    'upgradeChecklist',
    'upgradeSteps',
    'rollbackSteps',
    'autoStart',
  ] as const;
  const times: AuditChanges =
    before.plannedExecTime.getTime() === after.plannedExecTime.getTime()
      ? {}
      : { plannedExecTime: [before.plannedExecTime.toISOString(), after.plannedExecTime.toISOString()] };
  const changed = keys.filter((key) => before[key] !== after[key]);
  const manual = { mode: 'manual' };
  const [was, is] = [before.strategy ?? manual, after.strategy ?? manual];
  return {
    ...times,
    ...(canonicalJson(was) !== canonicalJson(is) && { strategy: [was, is] }),
    ...Object.fromEntries(changed.map((key) => [key, [before[key], after[key]] as [unknown, unknown]])),
  };
}

/** Fixes the plan of a round, and its hash if that round is still the present one. */
export async function fixPlan(
  db: Kysely<Database>,
  { taskId, round, plan, hash }: { taskId: number; round: number; plan: DeployPlan; hash: string },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await putPlan(tx, taskId, round, plan);
    await tx
      .updateTable('deployTasks')
      .set({ planHash: hash })
      .where('id', '=', taskId)
      .where('planRound', '=', round)
      .execute();
  });
}
