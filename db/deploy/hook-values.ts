// Template values are also in the environment of their hook: there every text is safe verbatim, since no shell parses it.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** The values of a hook besides those common to all steps, by environment name. */
export async function hookValues(
  db: Kysely<Database>,
  { taskId, position }: { taskId: number; position: number },
): Promise<Record<string, string>> {
  const row = await db
    .selectFrom('taskResults')
    .innerJoin('tasks', 'tasks.id', 'taskResults.taskId')
    .innerJoin('deployTasks', 'deployTasks.id', 'tasks.deployTaskId')
    .innerJoin('applications', 'applications.id', 'deployTasks.applicationId')
    .innerJoin('hosts', 'hosts.id', 'taskResults.hostId')
    .innerJoin('users', 'users.id', 'deployTasks.creatorId')
    .select(['deployTasks.id as deployTaskId', 'deployTasks.description', 'deployTasks.level', 'users.username'])
    .leftJoin('deployPlans', (join) =>
      join
        .onRef('deployPlans.deployTaskId', '=', 'deployTasks.id')
        .onRef('deployPlans.round', '=', 'deployTasks.planRound'),
    )
    // Of a plan of many megabytes no more than is needed.
    .select(sql<string | null>`deploy_plans.plan ->> 'directory'`.as('directory'))
    .select(['applications.id as applicationId', 'applications.name', 'applications.fullName'])
    .select(['taskResults.instanceId', 'hosts.id as hostId', 'hosts.name as hostname', 'hosts.ipAddress'])
    .where('taskResults.taskId', '=', taskId)
    .where('taskResults.position', '=', position)
    .executeTakeFirst();
  if (!row) return {};
  return {
    SLIPWAY_APPLICATION: row.name,
    SLIPWAY_APPLICATION_ID: String(row.applicationId),
    SLIPWAY_FULL_NAME: row.fullName,
    SLIPWAY_DIRECTORY: row.directory ?? '',
    SLIPWAY_INSTANCE: String(row.instanceId ?? ''),
    SLIPWAY_HOST: row.hostname,
    SLIPWAY_HOST_ID: String(row.hostId),
    SLIPWAY_IP: row.ipAddress[0]?.address ?? '',
    SLIPWAY_DEPLOY_TASK: String(row.deployTaskId),
    SLIPWAY_DESCRIPTION: row.description,
    SLIPWAY_LEVEL: row.level,
    SLIPWAY_CREATOR: row.username,
  };
}
