// The roles and the database of the embedded server. The owner is the superuser, who migrates; Slipway runs as the other
// role, which owns nothing (see db/database-grants.ts). Its password is set at every start, so a data folder without the
// role or the password file needs no repair.
import pg from 'pg';
import { connectionUrl, database, roles } from '../kit/embedded-database.ts';
import type { Passwords } from './postgres-files.ts';

const probeTimeoutMs = 5_000;

/** Creates missing parts of the database and its roles; throws when the server does not respond. */
export async function prepareDatabase({ owner, application }: Passwords, port: number): Promise<void> {
  const client = new pg.Client({
    connectionString: connectionUrl('owner', owner, port, 'postgres'),
    connectionTimeoutMillis: probeTimeoutMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_roles where rolname = $1', [roles.application]);
    const verb = found.rowCount === 0 ? 'create' : 'alter';
    await client.query(`${verb} role ${roles.application} login password ${client.escapeLiteral(application)}`);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  } finally {
    await client.end();
  }
}
