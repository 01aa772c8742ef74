// Both sides of the request benchmarks: Slipway with an API and a worker, and the minimal equivalent on the same engine and
// database: a row, a workflow, a commit.
import type { Kysely } from 'kysely';
import pg from 'pg';
import { stateQuery } from '../workflows/approvals/contract.ts';
import { deployTaskWorkflowId } from '../workflows/deploy/contract.ts';
import { connect } from '../db/core/connect.ts';
import type { Database } from '../db/database.ts';
import { deployTaskOf, makeEstate } from './estate.ts';
import type { BenchEstate } from './estate.ts';
import { timed } from './harness.ts';
import { until } from './until.ts';
import { post } from './http.ts';
import type { BenchStack } from './stack.ts';
import { readyQuery, trivial } from './trivial/workflow.ts';

const bareQueue = 'bare';

interface Slipway {
  estate: BenchEstate;
  db: Kysely<Database>;
  url: string;
  /** Posts a deploy task and waits for its plan; returns its id and the duration of the request, in ms. */
  create(): Promise<{ id: number; ms: number }>;
  stop(): Promise<void>;
}

interface Bare {
  pool: pg.Pool;
  create(): Promise<{ id: number; ms: number }>;
  stop(): Promise<void>;
}

/** Slipway on its own database, whose name is also its task queue. */
export async function slipway(
  stack: BenchStack,
  name: string,
  workerEnv = {},
): Promise<Slipway & { workerPid: number }> {
  const databaseUrl = await stack.database(name);
  const db = connect(databaseUrl, { max: 2, applicationName: 'bench' });
  const estate = await makeEstate(db, stack.dataDir);
  const worker = await stack.worker(databaseUrl, name, workerEnv);
  const api = await stack.api(databaseUrl, name);
  const { token } = estate.manager;
  return {
    estate,
    db,
    url: api.url,
    workerPid: worker.pid,
    async create() {
      let id = 0;
      const ms = await timed(async () => {
        id = (await post(`${api.url}/application/deploy-tasks/`, token, deployTaskOf(estate)))['id'] as number;
      });
      const handle = stack.client.workflow.getHandle(deployTaskWorkflowId(id));
      await until(async () => (await handle.query(stateQuery)).planHash !== null);
      return { id, ms };
    },
    async stop() {
      await Promise.all([worker.stop(), api.stop(), db.destroy()]);
    },
  };
}

/** The bare side: a worker that runs the trivial workflow. */
export async function bare(stack: BenchStack, name: string): Promise<Bare & { workerPid: number }> {
  const databaseUrl = await stack.database(name);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  await pool.query(`create table bare_requests (id bigint generated always as identity primary key, version text not null,
    status text not null default 'wait_review', created_time timestamptz not null default now())`);
  const queue = `${bareQueue}-${name}`;
  const worker = await stack.trivialWorker(databaseUrl, queue);
  return {
    pool,
    workerPid: worker.pid,
    async create() {
      let id = 0;
      const ms = await timed(async () => {
        const { rows } = await pool.query<{ id: string }>(
          'insert into bare_requests (version) values ($1) returning id',
          ['1.0.0'],
        );
        id = Number(rows[0]?.id);
        await stack.client.workflow.start(trivial, { workflowId: bareId(name, id), taskQueue: queue });
      });
      await until(() => stack.client.workflow.getHandle(bareId(name, id)).query(readyQuery));
      return { id, ms };
    },
    async stop() {
      await Promise.all([worker.stop(), pool.end()]);
    },
  };
}

/** The workflow id of a request on the bare side. */
export const bareId = (name: string, id: number): string => `${name}/${id}`;
