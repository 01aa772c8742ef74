// A stack for benchmarks in a temporary folder: the embedded servers run here, everything measured in its own process, as in
// production.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { workflowBundle } from '../activities/bundle.ts';
import { freePort } from '../embedded/ports.ts';
import { startStack } from '../embedded/supervise.ts';
import { findTemporalCli } from '../embedded/temporal-cli.ts';
import { connect } from '../db/core/connect.ts';
import { migrate } from '../db/migrate.ts';
import { createLogger } from '../kit/log.ts';
import { until } from './until.ts';
import { get } from './http.ts';
import { processes } from './processes.ts';
import type { Child, Run } from './processes.ts';

/** Generous, as a loaded machine starts processes slowly; start-up is not measured. */
const startPatienceMs = 180_000;

export interface BenchStack {
  dataDir: string;
  databaseUrl: string;
  temporalAddress: string;
  temporalCli: string;
  client: Client;
  /** Address of an empty, migrated database. */
  database(name: string): Promise<string>;
  run: Run;
  /** Starts an API process; returns its address once it is ready. */
  api(databaseUrl: string, taskQueue: string, env?: Readonly<Record<string, string>>): Promise<Child & { url: string }>;
  /** Starts a worker process, or one of the benchmark's own; resolves once it polls. */
  worker(
    databaseUrl: string,
    taskQueue: string,
    env?: Readonly<Record<string, string>>,
    program?: { file: string; args: readonly string[] },
  ): Promise<Child>;
  /** Starts a bare worker with the trivial workflow; resolves once it polls. */
  trivialWorker(databaseUrl: string, taskQueue: string): Promise<Child>;
  /** Starts a bare worker of the same work; resolves once it polls. */
  bareHostWorker(databaseUrl: string, taskQueue: string, hosts: number): Promise<Child>;
  /** The minimal server of the list of deploy tasks. */
  rawList(databaseUrl: string): Promise<Child & { url: string }>;
  /** The tail of the processes' logs. */
  lastOutput(): string;
  stop(): Promise<void>;
}

/** Starts the servers. */
export async function benchStack(): Promise<BenchStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const log = createLogger({ logLevel: 'warn' }, 'bench');
  const temporalCli = await findTemporalCli({ dataDir, log });
  await workflowBundle();
  const port = await freePort();
  const servers = await startStack({ dataDir, temporalCli, host: '127.0.0.1', port }, log);
  // The benchmarks create tables and fill them without triggers, which requires the owner.
  const { ownerDatabaseUrl: databaseUrl, temporalAddress } = servers;
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  const { run, stopAll } = processes(dataDir);
  const masterKey = randomBytes(32).toString('base64');
  return {
    dataDir,
    databaseUrl,
    temporalAddress,
    temporalCli,
    client,
    run,
    database: (name) => freshDatabase(databaseUrl, name),
    ...starters(run, client, { dataDir, temporalAddress, masterKey }),
    lastOutput: () => readFileSync(join(dataDir, 'output.log'), 'utf8').slice(-2_000),
    async stop() {
      await stopAll();
      await connection.close();
      await servers.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

type Starters = Pick<BenchStack, 'api' | 'worker' | 'trivialWorker' | 'bareHostWorker' | 'rawList'>;
type Known = Pick<BenchStack, 'dataDir' | 'temporalAddress'> & { masterKey: string };

function starters(run: Run, client: Client, { dataDir, temporalAddress, masterKey }: Known): Starters {
  const environment = (database: string, taskQueue: string) => ({
    DATABASE_URL: database,
    TEMPORAL_ADDRESS: temporalAddress,
    SLIPWAY_TASK_QUEUE: taskQueue,
    SLIPWAY_DATA_DIR: dataDir,
    SLIPWAY_LOCAL_RUNNER: 'on',
    SLIPWAY_MASTER_KEY: masterKey,
  });
  const polling = (taskQueue: string) => until(() => hasPoller(client, taskQueue), startPatienceMs);
  return {
    async api(database, taskQueue, env = {}) {
      const ownPort = await freePort();
      const own = { ...environment(database, taskQueue), SLIPWAY_PORT: String(ownPort), ...env };
      const child = run('api/server.ts', own);
      const url = `http://127.0.0.1:${ownPort}`;
      await until(async () => (await get(`${url}/readyz`)).status === 200, startPatienceMs);
      return { ...child, url };
    },
    async worker(database, taskQueue, env = {}, { file, args } = { file: 'activities/worker.ts', args: [] }) {
      const child = run(file, { ...environment(database, taskQueue), ...env }, args);
      await polling(taskQueue);
      return child;
    },
    async trivialWorker(database, taskQueue) {
      const child = run('bench/trivial/worker.ts', {}, [temporalAddress, taskQueue, database]);
      await polling(taskQueue);
      return child;
    },
    async bareHostWorker(database, taskQueue, hosts) {
      const child = run('bench/hosts/bare-worker.ts', {}, [temporalAddress, taskQueue, database, String(hosts)]);
      await polling(taskQueue);
      return child;
    },
    async rawList(database) {
      const ownPort = await freePort();
      const child = run('bench/raw-list.ts', {}, [String(ownPort), database]);
      const url = `http://127.0.0.1:${ownPort}`;
      await until(async () => (await get(url)).status === 200);
      return { ...child, url };
    },
  };
}

async function hasPoller(client: Client, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: taskQueue },
  });
  return pollers.length > 0;
}

async function freshDatabase(server: string, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`).finally(() => admin.end());
  const address = new URL(server);
  address.pathname = `/${name}`;
  const db = connect(address.href, { max: 1, applicationName: 'bench' });
  await migrate(db).finally(() => db.destroy());
  return address.href;
}
