// One upgrade of ten instances, each of which first prints its share of short lines, and its followers.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { WebSocket } from 'ws';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { connect } from '../../db/core/connect.ts';
import type { Database } from '../../db/database.ts';
import { localHostFolder } from '../../kit/host-path.ts';
import { deployTaskOf, makeEstate } from '../estate.ts';
import type { BenchEstate } from '../estate.ts';
import { until } from '../until.ts';
import { post } from '../http.ts';
import type { BenchStack } from '../stack.ts';

const queue = 'bench_output';
export const instances = 10;

export interface Ground {
  db: Kysely<Database>;
  url: string;
  workerPid: number;
  apiPid: number;
  /** Requests an upgrade whose hook prints `lines` on each instance; returns its task. */
  upgrade(lines: number): Promise<number>;
  /** Follows a task from its first line. */
  watch(taskId: number): Watcher;
  stop(): Promise<void>;
}

export interface Watcher {
  /** Delay of each line, in ms after the timestamp of its batch. */
  lags: number[];
  lines: number;
  /** When the last line arrived, by this process's clock. */
  ended: Promise<number>;
}

/** Slipway on local hosts. */
export async function groundOf(stack: BenchStack): Promise<Ground> {
  const databaseUrl = await stack.database(queue);
  const db = connect(databaseUrl, { max: 2, applicationName: 'bench' });
  const estate = await makeEstate(db, stack.dataDir);
  const instanceIds = await moreInstances(db, stack.dataDir, estate);
  const worker = await stack.worker(databaseUrl, queue);
  const api = await stack.api(databaseUrl, queue);
  return {
    db,
    url: api.url,
    workerPid: worker.pid,
    apiPid: api.pid,
    upgrade: (lines) => upgrade(stack, { db, estate, url: api.url, instanceIds, lines }),
    watch: (taskId) => watch(`${api.url.replace('http', 'ws')}/ws/tasks/${taskId}/output`, estate.manager.token),
    stop: async () => {
      await Promise.all([worker.stop(), api.stop(), db.destroy()]);
    },
  };
}

async function moreInstances(db: Kysely<Database>, dataDir: string, estate: BenchEstate): Promise<number[]> {
  const { applicationId, packageSource } = estate;
  await sql`update applications set startup_cmd = '', stop_cmd = '', pid_path = ''`.execute(db);
  const made = join(localHostFolder(dataDir, 'web-1'), packageSource);
  for (let number = 3; number <= instances; number += 1) {
    const file = join(localHostFolder(dataDir, `web-${number}`), packageSource);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(made, file);
    await sql`with host as (insert into hosts (name, host_type, runner, status, creator)
        values (${`web-${number}`}, 'PHY_HOST', 'local', 'attached', 'bench') returning id)
      insert into instances (application_id, host_id) select ${applicationId}, id from host`.execute(db);
  }
  return (await db.selectFrom('instances').select('id').execute()).map(({ id }) => id);
}

interface Wanted extends Pick<Ground, 'db' | 'url'> {
  estate: BenchEstate;
  instanceIds: number[];
  lines: number;
}

async function upgrade(stack: BenchStack, { db, url, estate, instanceIds, lines }: Wanted): Promise<number> {
  const { token } = estate.manager;
  const script = await db
    .insertInto('deployScripts')
    .values({ name: `print-${lines}`, creator: 'bench', language: 'bash', content: `seq -f 'line %.0f' ${lines}\n` })
    .returning('id')
    .executeTakeFirstOrThrow();
  const hooks = { pre_exec: { running_user: null, script: { id: script.id } } };
  await db
    .updateTable('deploySettings')
    .set({ lifecycleHooks: JSON.stringify(hooks) })
    .execute();
  const wish = { ...deployTaskOf(estate), level: 'I' };
  const id = Number((await post(`${url}/application/deploy-tasks/`, token, wish))['id']);
  const handle = stack.client.workflow.getHandle(deployTaskWorkflowId(id));
  await until(async () => (await handle.query(stateQuery)).planHash !== null);
  const task = `${url}/application/deploy-tasks/${id}`;
  await post(`${task}/actions/start/`, token);
  const made = await post(`${task}/sub-upgrade-tasks/`, token, {
    instances: instanceIds.map((one) => ({ id: one })),
    version: '1.0.0',
    update_source: estate.packageSource,
    timeout: 3_600,
  });
  return Number(made['task_id']);
}

function watch(address: string, token: string): Watcher {
  const socket = new WebSocket(address, { headers: { authorization: `Token ${token}` } });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
  const watcher: Watcher = { lags: [], lines: 0, ended };
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString('utf8')) as { event?: string; time?: string };
    if (message.event === 'end') resolve(Date.now());
    if (message.time === undefined) return;
    watcher.lines += 1;
    if (watcher.lines % 1_000 === 0) watcher.lags.push(Date.now() - Date.parse(message.time));
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('a watcher was cut off')));
  return watcher;
}
