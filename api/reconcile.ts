// Open rows against the engine: a workflow that was ended by hand, or that the engine has lost, is said so on its task.
// Nothing is repeated: whether to do the work again is for a person.
import type { Kysely } from 'kysely';
import type { WarningLog } from '../db/connect.ts';
import type { Database } from '../db/database.ts';
import { startLoop } from '../db/loop.ts';
import { deployTaskWorkflowId } from '../workflows/deploy/contract.ts';
import type { Engine } from './engine.ts';

const everyMs = 60_000;
const settledMs = 30_000;
const atOnce = 200;
export const lost = 'lost: its workflow is gone from the engine; close it in the Temporal UI and create another task';

/** Marks open deploy tasks whose workflow does not run; answers how many. */
export async function reconcile(db: Kysely<Database>, engine: Engine, now: Date): Promise<number> {
  let marked = 0;
  let after = 0;
  for (;;) {
    const rows = await db
      .selectFrom('deployTasks')
      .select(['id', 'seq'])
      .where('status', 'in', ['wait_review', 'approved', 'running'])
      .where('error', 'is', null)
      .where('createdTime', '<', new Date(now.getTime() - settledMs))
      .where('id', '>', after)
      .orderBy('id')
      .limit(atOnce)
      .execute();
    for (const { id } of rows) {
      const open = await engine.isOpen(deployTaskWorkflowId(id));
      if (open === true || (open === null && (await stillToStart(db, id)))) continue;
      const ended = await markLost(db, id);
      marked += ended;
    }
    after = rows.at(-1)?.id ?? after;
    if (rows.length < atOnce) return marked;
  }
}

/** The row is looked at again: the workflow may have ended, and said so, since it was read. */
async function markLost(db: Kysely<Database>, id: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('deployTasks')
    .set({ error: lost })
    .where('id', '=', id)
    .where('status', 'in', ['wait_review', 'approved', 'running'])
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

const stillToStart = (db: Kysely<Database>, id: number): Promise<boolean> =>
  db
    .selectFrom('outbox')
    .select('id')
    .where((eb) => eb(eb.ref('payload', '->>').key('workflowId'), '=', deployTaskWorkflowId(id)))
    .executeTakeFirst()
    .then((row) => row !== undefined);

/** Reconciles at once and every minute, until `stop`. */
export function startReconciling(db: Kysely<Database>, engine: Engine, log: WarningLog): { stop(): Promise<void> } {
  return startLoop({
    everyMs,
    log,
    failure: 'open tasks could not be compared with the engine',
    round: async () => {
      await reconcile(db, engine, new Date());
      return false;
    },
  });
}
