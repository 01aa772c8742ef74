// One pool per process. Timeouts are set on the connection itself, so that no query, lock or forgotten transaction can
// hold up the others for longer than a caller would wait anyway; migrations lift them (migrate.ts).
import { Kysely } from 'kysely';
import pg from 'pg';
import type { Database } from '../database.ts';
import { NamingDialect, names } from './snake-case.ts';
import { statementName } from './prepared-statements.ts';

/** What is needed of a logger here. */
export interface WarningLog {
  warn(fields: object, message: string): void;
}

export interface ConnectOptions {
  /** Most connections of the pool. */
  max: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  log?: WarningLog;
  /** How long a statement may take by this process's own clock, in milliseconds; 0: for ever. */
  queryTimeoutMs?: number;
}

// Longer than the server's own limit, which comes first wherever the server is there to keep it.
const queryTimeoutMs = 33_000;
const greetingMs = 2_000;
const timedOut = 'Query read timeout';

type GetTypeParser = typeof pg.types.getTypeParser;

// Ids, counts and positions fit a number; other types keep the driver's parsers, and other users of the driver theirs.
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

type Send = (query: string | pg.QueryConfig, values?: unknown[]) => unknown;

// A server that hangs answers later, or never: what waits on this connection would wait as well, so it is given up.
function ended(client: pg.ClientBase, answer: unknown): unknown {
  if (!(answer instanceof Promise)) return answer;
  return answer.catch((error: unknown) => {
    if (error instanceof Error && error.message === timedOut)
      void (client as pg.ClientBase & { end(): Promise<void> }).end();
    throw error;
  });
}

/** Sends under their names the statements that have one. */
function sendNamed(client: pg.ClientBase): void {
  const send: Send = (...query) => ended(client, (pg.Client.prototype.query as Send).apply(client, query));
  const query: Send = (text, values) => {
    const name = typeof text === 'string' ? statementName(text) : undefined;
    return name === undefined ? send(text, values) : send({ name, text: text as string, ...(values && { values }) });
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
    // Plans reckon with indexes in memory; by default PostgreSQL thinks of a disk's head and would rather read a table.
    options: '-c random_page_cost=1.1',
  });
  // Without listeners a broken connection would end the process, idle or in the middle of a transaction; the statement
  // that needs it fails by itself.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    sendNamed(client);
    client.on('error', (error) => {
      // A pool that is closing may hear of the server's end on a connection that it has given up already.
      if (!pool.ending) log?.warn({ err: error, pool: applicationName }, 'a database connection was lost');
    });
  });
  return new Kysely<Database>({
    dialect: new NamingDialect({ pool }),
    plugins: [names],
  });
}
