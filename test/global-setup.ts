// One PostgreSQL and one workflow engine serve the whole run; a test file gets a database of its own (harness.ts), cloned
// from a template that is migrated once here. DATABASE_URL and TEMPORAL_ADDRESS replace the servers.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { connect } from '../db/connect.ts';
import { migrate } from '../db/migrate.ts';
import { freePort } from '../embedded/ports.ts';
import { startPostgres } from '../embedded/postgres.ts';
import { startTemporal } from '../embedded/temporal.ts';
import { createLogger } from '../kit/log.ts';
import globalTeardown, { onTeardown } from './global-teardown.ts';

const log = createLogger({ logLevel: 'warn' }, 'test');

/** Makes `TEST_DATABASE_URL`, `TEST_DATABASE_TEMPLATE` and `TEST_TEMPORAL_ADDRESS` for the processes of the run. */
export default async function globalSetup(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  onTeardown(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });
  const ready = await Promise.allSettled([prepareDatabase(dataDir), prepareTemporal(dataDir)]);
  const failed = ready.find((one) => one.status === 'rejected');
  if (failed === undefined) return;
  // Without a set-up the run has no end that would stop what did start.
  await globalTeardown();
  throw failed.reason;
}

async function prepareDatabase(dataDir: string): Promise<void> {
  const url = process.env.DATABASE_URL ?? (await ownPostgres(dataDir));
  const template = `slipway_test_${randomBytes(4).toString('hex')}`;
  await administer(url, `create database ${template}`);
  onTeardown(() => dropAll(url, template));
  const db = connect(withDatabase(url, template), { max: 1, applicationName: 'test-template' });
  try {
    await migrate(db);
  } finally {
    await db.destroy();
  }
  process.env.TEST_DATABASE_URL = url;
  process.env.TEST_DATABASE_TEMPLATE = template;
}

async function prepareTemporal(dataDir: string): Promise<void> {
  process.env.TEST_TEMPORAL_ADDRESS = process.env.TEMPORAL_ADDRESS ?? (await ownTemporal(dataDir));
}

async function ownTemporal(dataDir: string): Promise<string> {
  const temporal = await startTemporal({
    dataDir,
    cli: process.env.SLIPWAY_TEMPORAL_CLI,
    uiPort: await freePort(),
    log,
  });
  onTeardown(() => temporal.stop());
  return temporal.address;
}

async function ownPostgres(dataDir: string): Promise<string> {
  const postgres = await startPostgres({ dataDir, log });
  onTeardown(() => postgres.stop());
  // The data is thrown away, so it need not survive a crash of the machine.
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
    await administer(postgres.url, `alter system set ${setting} = off`);
  await administer(postgres.url, 'select pg_reload_conf()');
  return postgres.url;
}

async function dropAll(url: string, prefix: string): Promise<void> {
  const names = await administer(url, `select datname from pg_database where starts_with(datname, '${prefix}')`);
  for (const { datname } of names) await administer(url, `drop database if exists ${String(datname)} with (force)`);
}

async function administer(connectionString: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const address = new URL(url);
  address.pathname = `/${name}`;
  return address.href;
}
