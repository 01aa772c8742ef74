// Reconciles open rows with the engine: if a workflow was terminated by hand or lost by the engine, its task says so.
// Nothing is retried: a person decides whether to do the work again.
import type { Kysely } from 'kysely';
import { settleInstanceTask } from '../../db/applications/instance-tasks.ts';
import { commonly, commonName } from '../../db/approvals/request-table.ts';
import type { RequestTable } from '../../db/approvals/request-table.ts';
import { requestTables } from '../../db/requests/kinds.ts';
import type { WarningLog } from '../../db/core/connect.ts';
import type { Database } from '../../db/database.ts';
import { settleSubTask } from '../../db/deploy/finish.ts';
import { settleHostTask } from '../../db/hosts/finish.ts';
import { startLoop } from '../../db/core/polling-loop.ts';
import { openTasks } from '../../db/tasks/open.ts';
import { instanceTaskWorkflowId } from '../../workflows/applications/contract.ts';
import { deployTaskWorkflowId, subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
import type { Engine } from '../engine/engine.ts';

const everyMs = 60_000;
const settledMs = 30_000;
const atOnce = 200;
const lost = 'lost: its workflow is gone from the engine; close it in the Temporal UI and create another task';
export const lostTask = 'lost: its workflow is gone from the engine';

interface OpenRow {
  id: number;
  /** The task's own workflow. */
  workflowId: string;
  /** For a child: the workflow that starts it; while that runs, the child may still start. */
  starter?: string;
}

/** Rows of one kind, each of which should have a running workflow. */
interface Kind {
  /** Open rows older than `before`, after an id, in order. */
  open(db: Kysely<Database>, before: Date, after: number): Promise<OpenRow[]>;
  /** Marks the row as lost unless it has ended since it was read; returns the number of rows marked. */
  lose(db: Kysely<Database>, id: number): Promise<number>;
}

const under =
  (workflowIdOf: (id: number) => string) =>
  ({ id }: { id: number }): OpenRow => ({ id, workflowId: workflowIdOf(id) });

/** Requests that are not decided, or not carried out yet. */
const requests = (table: RequestTable): Kind => ({
  open: async (db, before, after) => {
    const rows = await commonly(db)
      .selectFrom(commonName(table))
      .select('id')
      .where('status', 'in', ['wait_review', 'approved', 'running'])
      .where('error', 'is', null)
      .where('createdTime', '<', before)
      .where('id', '>', after)
      .orderBy('id')
      .limit(atOnce)
      .execute();
    return rows.map(under((id) => `${table.kind.replace('_', '-')}/${id}`));
  },
  // The workflow may have ended, and recorded its end, since the row was read.
  lose: async (db, id) => {
    const { numUpdatedRows } = await commonly(db)
      .updateTable(commonName(table))
      .set({ error: lost })
      .where('id', '=', id)
      .where('status', 'in', ['wait_review', 'approved', 'running'])
      .executeTakeFirst();
    return Number(numUpdatedRows);
  },
});

const subTasks: Kind = {
  open: async (db, before, after) => {
    const rows = await openTasks(db, 'deploy', before, after, atOnce);
    return rows.map(({ id, kind, number, deployTaskId }) => ({
      id,
      workflowId: subTaskWorkflowId(deployTaskId ?? 0, kind === 'upgrade' ? 'upgrade' : 'revert', number ?? 0),
      starter: deployTaskWorkflowId(deployTaskId ?? 0),
    }));
  },
  lose: async (db, id) => ((await settleSubTask(db, id, lostTask)) ? 1 : 0),
};

const instanceTasks: Kind = {
  open: async (db, before, after) =>
    (await openTasks(db, 'instance', before, after, atOnce)).map(under(instanceTaskWorkflowId)),
  lose: async (db, id) => ((await settleInstanceTask(db, id, lostTask)) ? 1 : 0),
};

const hostTasks: Kind = {
  open: async (db, before, after) =>
    (await openTasks(db, 'host', before, after, atOnce)).map(under(hostTaskWorkflowId)),
  lose: async (db, id) => ((await settleHostTask(db, id, lostTask)) ? 1 : 0),
};

/** Marks open tasks whose workflow is not running; returns their number. */
export async function reconcile(db: Kysely<Database>, engine: Engine, now: Date): Promise<number> {
  let marked = 0;
  for (const kind of [...requestTables.map(requests), subTasks, instanceTasks, hostTasks])
    marked += await reconcileKind(db, engine, now, kind);
  return marked;
}

async function reconcileKind(db: Kysely<Database>, engine: Engine, now: Date, kind: Kind): Promise<number> {
  const before = new Date(now.getTime() - settledMs);
  let marked = 0;
  let after = 0;
  for (;;) {
    const rows = await kind.open(db, before, after);
    for (const row of rows) if (!(await isAlive(db, engine, row))) marked += await kind.lose(db, row.id);
    after = rows.at(-1)?.id ?? after;
    if (rows.length < atOnce) return marked;
  }
}

async function isAlive(db: Kysely<Database>, engine: Engine, { workflowId, starter }: OpenRow): Promise<boolean> {
  const open = await engine.isOpen(workflowId);
  if (open !== null) return open;
  return starter === undefined ? stillToStart(db, workflowId) : (await engine.isOpen(starter)) === true;
}

const stillToStart = (db: Kysely<Database>, workflowId: string): Promise<boolean> =>
  db
    .selectFrom('outbox')
    .select('id')
    .where((eb) => eb(eb.ref('payload', '->>').key('workflowId'), '=', workflowId))
    .executeTakeFirst()
    .then((row) => row !== undefined);

/** Reconciles immediately and every minute, until `stop`. */
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
