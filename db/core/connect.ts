// One pool per process. Timeouts are set per connection, so that no query, lock or idle transaction blocks others for longer
// than a caller would wait; migrations lift them (migrate.ts).
import { Kysely } from 'kysely';
import pg from 'pg';
import type { Database } from '../database.ts';
import { NamingDialect, names } from './snake-case.ts';

/** The part of a logger used here. */
export interface WarningLog {
  warn(fields: object, message: string): void;
}

interface ConnectOptions {
  /** Most connections of the pool. */
  max: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  log?: WarningLog;
  /** Client-side timeout of a statement, in milliseconds; 0: none. */
  queryTimeoutMs?: number;
}

// Longer than the server's own timeout, which fires first as long as the server responds.
const queryTimeoutMs = 33_000;
const greetingMs = 2_000;
const timedOut = 'Query read timeout';

type GetTypeParser = typeof pg.types.getTypeParser;

// Ids, counts and positions fit a number; other types and other users of the driver keep the default parsers.
const types = {
  getTypeParser: ((oid: Parameters<GetTypeParser>[0], format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 && format !== 'binary'
      ? Number
      : (pg.types.getTypeParser(oid, format) as unknown)) as GetTypeParser,
};

/**
 * The pool's own limit is also how long a query waits for a connection that others use: they end. A server that does not greet
 * is not waited for as long.
 */
class QuickClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: greetingMs });
  }
}

type Send = (...query: unknown[]) => unknown;

/** Ends a connection whose server hangs: everything waiting on it would hang too. */
function endOnTimeout(client: pg.ClientBase): void {
  const query: Send = (...given) => {
    const answer = (pg.Client.prototype.query as Send).apply(client, given);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((error: unknown) => {
      if (error instanceof Error && error.message === timedOut)
        void (client as pg.ClientBase & { end(): Promise<void> }).end();
      throw error;
    });
  };
  client.query = query as typeof client.query;
}

/** Opens a pool on `url` (no connection is made before the first query); close it with `destroy()`. */
export function connect(url: string, options: ConnectOptions): Kysely<Database> {
  const { max, applicationName, log } = options;
  const pool = new pg.Pool({
    Client: QuickClient,
    connectionString: url,
    max,
    application_name: applicationName,
    types,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 30_000,
    query_timeout: options.queryTimeoutMs ?? queryTimeoutMs,
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 60_000,
    // Indexes are assumed to be cached; PostgreSQL's default assumes a spinning disk and prefers sequential scans.
    options: '-c random_page_cost=1.1',
  });
  // Without a listener a broken connection would end the process, idle or in a transaction; the statement that needs the
  // connection fails anyway.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    endOnTimeout(client);
    client.on('error', (error) => {
      // A closing pool may receive the server's disconnect on a connection that it has already released.
      if (!pool.ending) log?.warn({ err: error, pool: applicationName }, 'a database connection was lost');
    });
  });
  return new Kysely<Database>({
    dialect: new NamingDialect({ pool }),
    plugins: [names],
  });
}
