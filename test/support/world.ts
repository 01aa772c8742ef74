// A whole Slipway for one test file: the API, a worker of its own task queue, the run's engine, local hosts in a folder
// of their own. Estates are made straight in the database: what a test is not about need not go through the API.
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { create } from 'tar';
import { logRuntimeTo, startWorker } from '../../activities/worker.ts';
import type { RunningWorker, WorkerParts } from '../../activities/worker.ts';
import type { Providers } from '../../activities/providers/index.ts';
import { createEngine } from '../../api/engine/engine.ts';
import { loadMasterKey } from '../../db/secrets/master-key.ts';
import { createAcknowledger } from '../../db/coordination/outbox.ts';
import { createSecrets } from '../../db/secrets/secrets.ts';
import { parseConfig } from '../../kit/config/config.ts';
import type { Config, Environment } from '../../kit/config/config.ts';
import { localHostFolder } from '../../kit/host-path.ts';
import { createJinja } from '../../kit/jinja/index.ts';
import { createLogger } from '../../kit/log.ts';
import { makeApplication, testApp } from './api/app.ts';
import type { TestApp, TestUser } from './api/app.ts';
import { eventually, temporalAddress, unique, uniqueTaskQueue } from './harness.ts';

export interface World extends TestApp {
  config: Config;
  client: TestApp['client'];
  temporal: Client;
  worker: RunningWorker;
  close(): Promise<void>;
}

/** What estates and tasks are made on. */
export type Site = Pick<World, 'db' | 'config' | 'user'>;

export interface WorldOptions {
  workers?: 0 | 1;
  providers?: Partial<Providers>;
  logLevel?: 'error' | 'fatal';
  /** Further settings, by variable. */
  env?: Environment;
  /** On top of what the environment says. */
  settings?: object;
  /** A bundle that stands in for that of the present workflows. */
  workflows?: { code: string };
  /** Interceptors around the activities. */
  around?: WorkerParts['around'];
}

/**
 * `workers: 0` leaves the engine without a worker; `providers` stand in for those of the configuration, `env` adds to it;
 * `logLevel` is for tests whose activities fail on purpose.
 */
export async function testWorld({
  workers = 1,
  providers = {},
  env = {},
  settings = {},
  logLevel = 'error',
  workflows,
  around,
}: WorldOptions = {}): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-world-'));
  const parsed = parseConfig({ ...env, SLIPWAY_DATA_DIR: dataDir, SLIPWAY_TASK_QUEUE: uniqueTaskQueue() });
  const config: Config = { ...parsed, ...settings };
  const log = createLogger({ logLevel }, 'test');
  const connection = await Connection.connect({ address: temporalAddress() });
  const temporal = new Client({ connection });
  const acknowledged: { add?: (id: number) => void } = {};
  // What the API seals its worker must open.
  const secrets = createSecrets({ masterKey: loadMasterKey(config) });
  const engine = createEngine(temporal, config.taskQueue, { add: (id) => acknowledged.add?.(id) }, secrets);
  const app = await testApp({ config, engine, secrets, jinja: createJinja() });
  await ownIds(app);
  const acks = createAcknowledger(app.db, log);
  acknowledged.add = acks.add;
  // Without a worker the runtime would never be shut down, and it keeps its process alive.
  if (workers > 0) quietRuntime();
  const at = { databaseUrl: app.database.url, temporalAddress: temporalAddress() };
  const idle: RunningWorker = { done: Promise.resolve(), stop: () => Promise.resolve() };
  const worker = workers === 0 ? idle : await startWorker(config, log, at, { providers, workflows, around });
  return {
    ...app,
    config,
    temporal,
    worker,
    close: async () => {
      await worker.stop();
      await acks.stop();
      await connection.close();
      await app.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Ids name workflows, and the engine is shared: every world counts from a number of its own. */
export async function ownIds({ database }: Pick<TestApp, 'database'>): Promise<void> {
  const first = randomInt(1, 2 ** 40);
  for (const table of ['deploy_tasks', 'tasks', 'host_requests', 'domain_requests', 'certificate_requests'])
    await sql`select setval(pg_get_serial_sequence(${table}, 'id'), ${first})`.execute(database.owner);
}

let installed = false;
export function quietRuntime(): void {
  if (installed) return;
  installed = true;
  logRuntimeTo(createLogger({ logLevel: 'error' }, 'test'));
}

export interface TestEstate {
  applicationId: number;
  name: string;
  instanceIds: number[];
  hostnames: string[];
  /** Holds everything but the review on the application. */
  manager: TestUser;
  reviewer: TestUser;
}

/** An application on local hosts; its commands leave a process and a line per call in `<host>/calls`. */
export async function makeEstate(world: Site, instances = 2): Promise<TestEstate> {
  const { db } = world;
  const name = `web-${unique()}`;
  const applicationId = await makeApplication(db, name);
  await db
    .updateTable('applications')
    .set({
      runUser: userInfo().username,
      directory: '/srv/web',
      startupCmd: startup,
      stopCmd: stop,
      pidPath: '/run/web.pid',
    })
    .where('id', '=', applicationId)
    .execute();
  await db.insertInto('deploySettings').values({ applicationId, creator: 'test' }).execute();
  const hostnames: string[] = [];
  const instanceIds: number[] = [];
  for (let index = 0; index < instances; index += 1) {
    const hostname = `${name}-${index}`;
    hostnames.push(hostname);
    instanceIds.push(await makeInstance(world, applicationId, hostname));
  }
  const manager = await world.user({ application: { [applicationId]: ['view_app', 'deploy_app', 'view_app_log'] } });
  const reviewer = await world.user({ application: { [applicationId]: ['review_app_deploy_task'] } });
  return { applicationId, name, instanceIds, hostnames, manager, reviewer };
}

/** The start command of an estate's application. */
export const startup =
  'mkdir -p "$SLIPWAY_HOST_ROOT/run"; echo "start $(cat VERSION)" >> "$SLIPWAY_HOST_ROOT/calls"; ' +
  'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"; echo started';
const stop = 'echo stop >> "$SLIPWAY_HOST_ROOT/calls"; kill "$(cat "$SLIPWAY_PID_FILE")" || true';

async function makeInstance({ db, config }: Site, applicationId: number, hostname: string): Promise<number> {
  mkdirSync(localHostFolder(config.dataDir, hostname), { recursive: true });
  const host = await db
    .insertInto('hosts')
    .values({ name: hostname, hostType: 'PHY_HOST', runner: 'local', status: 'attached', creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  const { id } = await db
    .insertInto('instances')
    .values({ applicationId, hostId: host.id })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export const packagePath = (version: string): string => `/packages/web-${version}.tar.gz`;

/** Puts a package of this version on every host of an estate; returns its path there. */
export async function placePackage(world: Site, { hostnames }: TestEstate, version: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-package-'));
  writeFileSync(join(folder, 'VERSION'), `${version}\n`);
  const made = `${folder}.tar.gz`;
  // The same version is the same package, whenever it is made.
  await create({ file: made, cwd: folder, gzip: true, portable: true, mtime: new Date(0) }, ['.']);
  const path = packagePath(version);
  for (const hostname of hostnames) {
    const file = join(localHostFolder(world.config.dataDir, hostname), path);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(made, file);
  }
  for (const leftover of [folder, made]) rmSync(leftover, { recursive: true });
  return path;
}

export interface TaskWish {
  version?: string;
  level?: string;
  [field: string]: unknown;
}

/** A deploy task of an estate, its plan made. */
export async function makeTask(world: Site, estate: TestEstate, wish: TaskWish = {}): Promise<number> {
  const version = wish.version ?? '1.0.0';
  const source = await placePackage(world, estate, version);
  const { body, status } = await estate.manager.post<{ id: number }>('/application/deploy-tasks/', {
    application_id: estate.applicationId,
    level: 'A',
    package_source: source,
    planned_exec_time: Math.floor(Date.now() / 1000) - 60,
    ...wish,
    version,
  });
  if (status !== 201) throw new Error(`the task was not created: ${JSON.stringify(body)}`);
  await eventually(async () => (await taskOf(world, body.id)).planHash !== null, { timeout: 20_000 });
  return body.id;
}

export const taskOf = ({ db }: Pick<Site, 'db'>, id: number) =>
  db.selectFrom('deployTasks').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

/** A running deploy task. */
export async function startedTask(world: Site, estate: TestEstate, wish: TaskWish = {}): Promise<number> {
  const id = await makeTask(world, estate, { level: 'I', ...wish });
  const { status, body } = await estate.manager.post(`/application/deploy-tasks/${id}/actions/start/`);
  if (status !== 200) throw new Error(`the task was not started: ${JSON.stringify(body)}`);
  return id;
}

/** Waits for the end of a sub-task (or any task) and returns its row. */
export const endedTask = ({ db }: Pick<Site, 'db'>, taskId: number, timeout = 45_000) =>
  eventually(
    async () => {
      const row = await db.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirstOrThrow();
      return row.status === 'running' ? false : row;
    },
    { timeout },
  );
