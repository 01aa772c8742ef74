// What the tests share. Each test file has a database of its own, so that files run side by side; closing it fails
// when the code under test left a session or a transaction behind, because that is how pools run dry in production.
import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import pg from 'pg';
import { connect } from '../../db/core/connect.ts';
import type { Database } from '../../db/database.ts';
import { poll } from '../../kit/poll.ts';

/**
 * A migrated database for one test file, used as a role that owns nothing; `connect` opens a further pool, closed with
 * the database.
 */
export interface TestDatabase {
  readonly db: Kysely<Database>;
  readonly url: string;
  /** The same database as its owner, a superuser: for what only an administrator or an intruder does. */
  readonly owner: Kysely<Database>;
  readonly ownerUrl: string;
  connect(max?: number): Kysely<Database>;
  close(): Promise<void>;
}

/**
 * Clones the migrated template; call it in `beforeAll` and `close` in `afterAll`. A session ends a moment after its client
 * has gone, on a busy machine seconds later: hence the patience (ms) before it counts as left.
 */
export async function testDatabase({ patience = 20_000 } = {}): Promise<TestDatabase> {
  const server = variable('TEST_DATABASE_URL');
  const template = variable('TEST_DATABASE_TEMPLATE');
  const name = `${template}_${unique()}`;
  // Without a line of the log for every page of the template.
  await administer(server, `create database ${name} template ${template} strategy file_copy`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  const ownerUrl = address.href;
  [address.username = '', address.password = ''] = variable('TEST_DATABASE_ROLE').split(':');
  const url = address.href;
  const pools: Kysely<Database>[] = [];
  const openAs = (as: string, max: number): Kysely<Database> => {
    const pool = connect(as, { max, applicationName: 'test' });
    pools.push(pool);
    return pool;
  };
  const open = (max = 10): Kysely<Database> => openAs(url, max);
  return {
    db: open(),
    url,
    owner: openAs(ownerUrl, 4),
    ownerUrl,
    connect: open,
    close: async () => {
      const transactions = await settledSessions(server, name, `state <> 'idle'`, patience);
      // A pool waits for the connections it lent; what was left behind would never come back.
      const closed = Promise.all(pools.map((pool) => pool.destroy()));
      if (transactions.length === 0) await closed;
      const sessions = transactions.length === 0 ? await settledSessions(server, name, 'true', patience) : [];
      await administer(server, `drop database ${name} with (force)`);
      if (transactions.length > 0) throw new Error(`open transactions were left: ${JSON.stringify(transactions)}`);
      if (sessions.length > 0) throw new Error(`database sessions were left: ${JSON.stringify(sessions)}`);
    },
  };
}

async function settledSessions(server: string, name: string, condition: string, timeout: number): Promise<unknown[]> {
  const find = (): Promise<unknown[]> =>
    administer(
      server,
      `select pid, application_name, state, query from pg_stat_activity
       where datname = $1 and backend_type = 'client backend' and ${condition}`,
      [name],
    );
  try {
    await eventually(
      async () => {
        if ((await find()).length > 0) throw new Error('sessions are left');
      },
      { timeout },
    );
    return [];
  } catch {
    return await find();
  }
}

async function administer(connectionString: string, statement: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString, application_name: 'test-harness' });
  await client.connect();
  try {
    return (await client.query(statement, values)).rows as unknown[];
  } finally {
    await client.end();
  }
}

/**
 * Repeats `attempt` until it neither throws nor gives `false`, and returns what it gave; after `timeout` (ms) the last
 * error is thrown. What has taken long is looked at less often: up to four times the `interval` (ms) lies between two tries.
 */
export const eventually = <T>(
  attempt: () => T | Promise<T>,
  { timeout = 5_000, interval = 25 }: { timeout?: number; interval?: number } = {},
): Promise<Exclude<T, false>> =>
  poll(attempt, { timeoutMs: timeout, everyMs: interval, mostMs: 4 * interval, bearsErrors: true });

/** Undoes what was done, the last first and all of it, and then fails if something could not be undone. */
export async function undoAll(undos: readonly (() => unknown)[]): Promise<void> {
  const undone: PromiseSettledResult<unknown>[] = [];
  for (const undo of undos.toReversed()) undone.push(...(await Promise.allSettled([Promise.resolve().then(undo)])));
  expect(undone.filter(({ status }) => status === 'rejected')).toEqual([]);
}

/** A short random name part. */
export const unique = (): string => randomBytes(4).toString('hex');

/** A task queue of its own for a test file, so that no worker takes another's tasks. */
export const uniqueTaskQueue = (): string => `test-${unique()}`;

/** The address of the run's workflow engine. */
export const temporalAddress = (): string => variable('TEST_TEMPORAL_ADDRESS');
/** Of the run's own engine; for an external engine, the variable gives the address of its pages. */
export const temporalUiUrl = (): string => variable('TEST_TEMPORAL_UI_URL');

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the global set-up has not run`);
  return value;
}
