// Both sides of the benchmark of host tasks, each on its own database: stops hosts and returns the time and the number of
// history events.
import { sql } from 'kysely';
import pg from 'pg';
import { connect } from '../../db/core/connect.ts';
import { hostChunkWorkflowId, hostsPerChunk, hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
import { person } from '../estate.ts';
import { timed } from '../harness.ts';
import { until } from '../until.ts';
import { post } from '../http.ts';
import type { BenchStack } from '../stack.ts';

export interface Stopped {
  ms: number;
  events: number;
}

interface Side {
  pid: number;
  /** Stops the first `count` hosts, a thousand per task. */
  stopHosts(count: number): Promise<Stopped>;
  stop(): Promise<void>;
}

const perTask = 1_000;
const patienceMs = 600_000;
const env = {
  SLIPWAY_TENCENT_SECRET_ID: 'id',
  SLIPWAY_TENCENT_SECRET_KEY: 'key',
  SLIPWAY_TENCENT_REGIONS: 'memory-1',
};

/** Ids from 1, grouped by task. */
function tasksOf(count: number): number[][] {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const tasks: number[][] = [];
  for (let start = 0; start < count; start += perTask) tasks.push(ids.slice(start, start + perTask));
  return tasks;
}

const chunksOf = (ids: number[]): number => (ids.length <= hostsPerChunk ? 0 : Math.ceil(ids.length / hostsPerChunk));

async function eventsOf({ client }: BenchStack, workflowIds: readonly string[]): Promise<number> {
  let events = 0;
  for (const id of workflowIds) events += (await client.workflow.getHandle(id).describe()).historyLength;
  return events;
}

/** Slipway with this many hosts in an in-memory cloud of its worker. */
export async function slipwaySide(stack: BenchStack, name: string, hosts: number): Promise<Side> {
  const databaseUrl = await stack.database(name);
  const db = connect(databaseUrl, { max: 2, applicationName: 'bench' });
  const admin = await person(db, 'root', { admin: true });
  await sql`insert into hosts (name, host_type, os_status, status, provider_id, creator, admitted_way)
    select 'host-' || i, 'TECENT_CVM', 'running', 'inited', 'host-' || i, 'bench', host_way('salt', 'host-' || i, null, '[]', 'TECENT_CVM', 'host-' || i, null)
    from generate_series(1, ${hosts}::int) i order by i`.execute(db);
  const worker = await stack.worker(databaseUrl, name, env, { file: 'bench/hosts/worker.ts', args: [String(hosts)] });
  const api = await stack.api(databaseUrl, name, env);
  return {
    pid: worker.pid,
    async stopHosts(count) {
      await sql`update hosts set os_status = 'running', place = null`.execute(db);
      const ids: number[] = [];
      const tasks = tasksOf(count);
      const ms = await timed(async () => {
        await Promise.all(
          tasks.map(async (some) => {
            const body = some.map((host_id) => ({ host_id, force: true }));
            ids.push(Number((await post(`${api.url}/hosts/stop-tasks/`, admin.token, body))['task_id']));
          }),
        );
        await until(async () => {
          const open = await db
            .selectFrom('tasks')
            .select('id')
            .where('id', 'in', ids)
            .where('status', '=', 'running')
            .execute();
          return open.length === 0;
        }, patienceMs);
      });
      const wrong = await db
        .selectFrom('tasks')
        .select('id')
        .where('id', 'in', ids)
        .where('status', '!=', 'finished')
        .execute();
      if (wrong.length > 0) throw new Error(`${wrong.length} tasks failed`);
      const workflows = ids.flatMap((id) => [
        hostTaskWorkflowId(id),
        ...Array.from({ length: chunksOf(tasks[0] ?? []) }, (_, index) => hostChunkWorkflowId(id, index + 1)),
      ]);
      return { ms, events: await eventsOf(stack, workflows) };
    },
    async stop() {
      await Promise.all([worker.stop(), api.stop(), db.destroy()]);
    },
  };
}

/** The same work by hand. */
export async function bareSide(stack: BenchStack, name: string, hosts: number): Promise<Side> {
  const databaseUrl = await stack.database(name);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  await pool.query(`create table bare_hosts (id int primary key, os_status text);
    create table bare_calls (id bigint generated always as identity primary key, host_id int, answered timestamptz);
    create table bare_records (id bigint generated always as identity primary key, host_id int, what text);
    insert into bare_hosts select i, 'running' from generate_series(1, ${hosts}) i`);
  const worker = await stack.bareHostWorker(databaseUrl, name, hosts);
  let run = 0;
  return {
    pid: worker.pid,
    async stopHosts(count) {
      run += 1;
      const tasks = tasksOf(count).map((ids, index) => ({ name: `${name}/${run}/${index}`, ids }));
      const ms = await timed(() =>
        Promise.all(
          tasks.map((input) =>
            stack.client.workflow.execute('bareTask', { workflowId: input.name, taskQueue: name, args: [input] }),
          ),
        ),
      );
      const workflows = tasks.flatMap(({ name: id, ids }) => [
        id,
        ...Array.from({ length: Math.ceil(ids.length / hostsPerChunk) }, (_, index) => `${id}/${index + 1}`),
      ]);
      return { ms, events: await eventsOf(stack, workflows) };
    },
    async stop() {
      await Promise.all([worker.stop(), pool.end()]);
    },
  };
}
