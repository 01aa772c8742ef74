// Both sides of the benchmark of rolling deploys, over the same instances: upgrades all of them and returns the time and the
// number of history events.
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, instancesPerChunk, subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { connect } from '../../db/core/connect.ts';
import type { Database } from '../../db/database.ts';
import { localHostFolder } from '../../kit/host-path.ts';
import { deployTaskOf, makeEstate } from '../estate.ts';
import type { BenchEstate } from '../estate.ts';
import { timed } from '../harness.ts';
import { until } from '../until.ts';
import { post } from '../http.ts';
import type { BenchStack } from '../stack.ts';

const queue = 'bench_rolling';
const version = '1.0.0';
const patienceMs = 600_000;
/** The largest batch that a strategy allows. */
const perBatch = 100;

export interface Rolled {
  ms: number;
  events: number;
}

interface Ground {
  stack: BenchStack;
  db: Kysely<Database>;
  estate: BenchEstate;
  url: string;
  instanceIds: number[];
}

interface Sides {
  ours(): Promise<Rolled>;
  bare(): Promise<Rolled>;
  stop(): Promise<void>;
}

/** Slipway with this many instances on in-memory hosts of its worker. */
export async function sidesOf(stack: BenchStack, count: number): Promise<Sides> {
  const databaseUrl = await stack.database(queue);
  const db = connect(databaseUrl, { max: 2, applicationName: 'bench' });
  const estate = await makeEstate(db, stack.dataDir);
  const { packageSource } = estate;
  const args = [String(count), join(localHostFolder(stack.dataDir, 'web-1'), packageSource), packageSource];
  const worker = await stack.worker(databaseUrl, queue, {}, { file: 'bench/rolling/worker.ts', args });
  const api = await stack.api(databaseUrl, queue);
  const ground = { stack, db, estate, url: api.url, instanceIds: await makeInstances(db, estate, count) };
  return {
    ours: () => slipwayRollout(ground),
    bare: () => bareRollout(ground),
    stop: async () => {
      await Promise.all([worker.stop(), api.stop(), db.destroy()]);
    },
  };
}

async function makeInstances(db: Kysely<Database>, { applicationId }: BenchEstate, count: number): Promise<number[]> {
  await sql`delete from instances`.execute(db);
  await sql`update applications set startup_cmd = '', stop_cmd = '', pid_path = ''`.execute(db);
  await sql`with host as (insert into hosts (name, host_type, runner, status, creator)
      select 'host-' || i, 'PHY_HOST', 'local', 'attached', 'bench' from generate_series(1, ${count}::int) i returning id)
    insert into instances (application_id, host_id) select ${applicationId}, id from host`.execute(db);
  return (await db.selectFrom('instances').select('id').execute()).map(({ id }) => id);
}

/** A planned task over all instances, reset to never deployed. */
async function planned({ stack, db, estate, url }: Ground, strategy: object): Promise<number> {
  await sql`update instances set status = 'stopped', version = null`.execute(db);
  const body = { ...deployTaskOf(estate), level: 'I', version, strategy };
  const { id } = await post(`${url}/application/deploy-tasks/`, estate.manager.token, body);
  const handle = stack.client.workflow.getHandle(deployTaskWorkflowId(Number(id)));
  await until(async () => (await handle.query(stateQuery)).planHash !== null);
  return Number(id);
}

const act = ({ url, estate }: Ground, id: number, action: string) =>
  post(`${url}/application/deploy-tasks/${id}/actions/${action}/`, estate.manager.token);

/** The numbers, from 1, of the parts of this many instances. */
const parts = (instances: number, size: number): number[] =>
  Array.from({ length: Math.ceil(instances / size) }, (_, index) => index + 1);

async function eventsOf({ stack }: Ground, workflowIds: readonly string[]): Promise<number> {
  let events = 0;
  for (const id of workflowIds) events += (await stack.client.workflow.getHandle(id).describe()).historyLength;
  return events;
}

async function slipwayRollout(ground: Ground): Promise<Rolled> {
  const { db, instanceIds } = ground;
  const id = await planned(ground, { mode: 'rolling', batch_size: perBatch });
  const tasks = db.selectFrom('deployTasks').select('status').where('id', '=', id);
  const ms = await timed(async () => {
    await act(ground, id, 'start');
    await until(async () => (await tasks.executeTakeFirstOrThrow()).status !== 'running', patienceMs);
  });
  const { status } = await tasks.executeTakeFirstOrThrow();
  if (status !== 'finished') throw new Error(`the rollout is ${status}`);
  const subTasks = parts(instanceIds.length, perBatch).flatMap((number) => {
    const subTask = subTaskWorkflowId(id, 'upgrade', number);
    return [subTask, ...parts(perBatch, instancesPerChunk).map((chunk) => `${subTask}/chunk/${chunk}`)];
  });
  return { ms, events: await eventsOf(ground, [deployTaskWorkflowId(id), ...subTasks]) };
}

/** The same activities by hand, on a started task. */
async function bareRollout(ground: Ground): Promise<Rolled> {
  const { stack, estate, instanceIds } = ground;
  const id = await planned(ground, { mode: 'manual' });
  await act(ground, id, 'start');
  const name = `bare/${id}`;
  const actor = { id: estate.manager.id, username: 'manager', channel: 'api' };
  const wish = { actor, instanceIds, version, updateSource: estate.packageSource, timeoutSeconds: 3_600 };
  const args = [{ ...wish, deployTaskId: id, name }];
  const ms = await timed(() =>
    stack.client.workflow.execute('bareRollout', { workflowId: name, taskQueue: queue, args }),
  );
  await act(ground, id, 'close');
  const children = parts(instanceIds.length, instancesPerChunk).map((child) => `${name}/${child}`);
  return { ms, events: await eventsOf(ground, [name, ...children]) };
}
