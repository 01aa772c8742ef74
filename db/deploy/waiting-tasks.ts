import { sql } from 'kysely';
import type { Kysely, SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import { enqueue } from '../coordination/outbox.ts';
import { deployTable } from './tasks.ts';

/** The outbox topic of news for waiting deploy tasks. */
export const reconsiderTopic = 'reconsider_deploys';

/** Whose tasks: of an application, of a production's applications, or (both null) all. */
export interface ChangeReach {
  applicationId: number | null;
  productionId: number | null;
}

/** Signals, with this transaction's commit, the tasks that may be waiting for its changes. */
export const announce = (
  tx: Kysely<Database>,
  reach: ChangeReach,
  options: { byCaller?: boolean } = {},
): Promise<number> => enqueue(tx, reconsiderTopic, { ...reach }, options);

/** Some tasks whose freeze has ended still wait for another task of the application. */
const wasHeld = sql<SqlBool>`(deploy_tasks.status = 'approved' and exists (
  select from request_events where request_id = deploy_tasks.id and kind = ${deployTable.kind} and event = 'held'))`;

/** Ids of open tasks in reach that proceed automatically: held now or before, self-starting, or rolling. */
export const waitingTasks = async (
  db: Kysely<Database>,
  { applicationId, productionId }: ChangeReach,
): Promise<number[]> => {
  let query = db
    .selectFrom('deployTasks')
    .select('deployTasks.id')
    .where('status', 'in', ['approved', 'running'])
    .where((eb) =>
      eb.or([eb('heldBy', 'is not', null), eb('autoStart', '=', true), eb('strategy', 'is not', null), wasHeld]),
    );
  if (applicationId !== null) query = query.where('applicationId', '=', applicationId);
  if (productionId !== null)
    query = query.where('applicationId', 'in', (eb) =>
      eb.selectFrom('applications').select('applications.id').where('applications.productionId', '=', productionId),
    );
  return (await query.orderBy('deployTasks.id').execute()).map(({ id }) => id);
};
