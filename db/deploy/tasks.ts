import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { CastVote } from '../../workflows/approvals/contract.ts';
import type { DeployPlan } from '../../workflows/deploy/contract.ts';
import type { DeployView } from '../../workflows/deploy/policy.ts';
import type { Database } from '../database.ts';
import { reviewersOf } from '../approvals/people.ts';
import type { RequestTable } from '../approvals/request-table.ts';
import { policyOf, votesOf } from '../approvals/votes.ts';
import { json } from '../core/jsonb.ts';
import { unreadPackage } from './plan.ts';
import type { PlanSubject } from './plan.ts';

/** Deploy tasks as a kind of request. */
export const deployTable: RequestTable & { kind: 'deploy_task' } = {
  kind: 'deploy_task',
  name: 'deployTasks',
  reviewers: (at) => reviewersOf(sql`${sql.raw(at)}.application_id`),
  brokeGlassBy: (at) => sql`${sql.raw(at)}.broke_glass_by_id`,
};

/**
 * A deploy task with the names that answers and records need. Its application and users are always there; they are
 * joined from the left so that PostgreSQL leaves them out where only the tasks are counted.
 */
export const deployTasksWithNames = (db: Kysely<Database>) =>
  db
    .selectFrom('deployTasks')
    .leftJoin('applications', 'applications.id', 'deployTasks.applicationId')
    .leftJoin('users as creator', 'creator.id', 'deployTasks.creatorId')
    .leftJoin('users as owner', 'owner.id', 'deployTasks.ownerId')
    .leftJoin('deployFreezes as hold', 'hold.id', 'deployTasks.heldBy')
    .leftJoin('deployPlans', (join) =>
      join
        .onRef('deployPlans.deployTaskId', '=', 'deployTasks.id')
        .onRef('deployPlans.round', '=', 'deployTasks.planRound'),
    )
    .selectAll('deployTasks')
    .select(['hold.untilTime as heldUntil', 'deployPlans.unread as packageUnread'])
    .select('applications.deletedTime as applicationDeleted')
    .select(({ ref }) => [
      ref('applications.name').$notNull().as('applicationName'),
      ref('applications.fullName').$notNull().as('fullName'),
      ref('creator.username').$notNull().as('creator'),
      ref('owner.username').$notNull().as('owner'),
    ]);

export type NamedDeployTask = Awaited<ReturnType<typeof deployTask>> & object;

export const deployTask = (db: Kysely<Database>, id: number) =>
  deployTasksWithNames(db).where('deployTasks.id', '=', id).executeTakeFirst();

/** The id of a task that is about to be made: its plan names it. */
export async function nextDeployTaskId(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    select nextval(pg_get_serial_sequence('deploy_tasks', 'id')) as id`.execute(db);
  return (rows[0] as { id: number }).id;
}

export const planSubject = (task: NamedDeployTask): PlanSubject => ({
  id: task.id,
  applicationId: task.applicationId,
  version: task.version,
  description: task.description,
  level: task.level,
  creator: task.creator,
  packageSource: task.packageSource,
  strategy: task.strategy,
});

/** The plan of the task's present round. */
export const presentPlan = (db: Kysely<Database>, taskId: number, round: number): Promise<DeployPlan | undefined> =>
  db
    .selectFrom('deployPlans')
    .select('plan')
    .where('deployTaskId', '=', taskId)
    .where('round', '=', round)
    .executeTakeFirst()
    .then((row) => row?.plan);

/** Writes the plan of a round, again if it is there. */
export async function putPlan(db: Kysely<Database>, taskId: number, round: number, plan: DeployPlan): Promise<void> {
  const columns = { plan: json(plan), unread: plan.package.unread };
  await db
    .insertInto('deployPlans')
    .values({ deployTaskId: taskId, round, ...columns })
    .onConflict((conflict) => conflict.columns(['deployTaskId', 'round']).doUpdateSet(columns))
    .execute();
}

export const packageToRead = (source: string) => unreadPackage(source, 'it is being read');

/** Sub-tasks that are running, by deploy task. */
const runningSubTasks = (
  db: Kysely<Database>,
  ids: number[],
): Promise<{ id: number; deployTaskId: number | null }[]> =>
  ids.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('tasks')
        .select(['id', 'deployTaskId'])
        .where('deployTaskId', 'in', ids)
        .where('status', '=', 'running')
        .orderBy('id')
        .execute();

/** What the gates of workflows/deploy/policy.ts look at, from the rows. */
export function deployView(task: NamedDeployTask, votes: CastVote[], running: number[]): DeployView {
  return {
    kind: deployTable.kind,
    status: task.status,
    creatorId: task.creatorId,
    ownerId: task.ownerId,
    planHash: task.planHash,
    planRound: task.planRound,
    unread: task.planHash === null ? null : task.packageUnread,
    policy: policyOf(task),
    votes,
    changedById: task.changedById,
    escalated: task.escalated,
    brokeGlassById: task.brokeGlassById,
    plannedExecTime: task.plannedExecTime,
    version: task.version,
    runningSubTasks: running,
    rolling: task.strategy !== null,
    heldBy: task.heldBy,
    paused: task.paused,
  };
}

/** The same for one task, with everything read. */
export async function loadDeployView(db: Kysely<Database>, task: NamedDeployTask): Promise<DeployView> {
  const [votes, running] = await Promise.all([votesOf(db, deployTable.kind, task), runningSubTasks(db, [task.id])]);
  return deployView(
    task,
    votes,
    running.map(({ id }) => id),
  );
}
