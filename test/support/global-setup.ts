// One PostgreSQL and one workflow engine serve the whole run; a test file gets a database of its own (harness.ts), cloned
// from a template that is migrated once here. DATABASE_URL (a superuser's) and TEMPORAL_ADDRESS replace the servers. What is
// tested runs as a role of the run's own, which owns nothing, as in production: a missing grant shows.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { connect } from '../../db/core/connect.ts';
import { migrateFor } from '../../db/migrate.ts';
import { freePort } from '../../embedded/ports.ts';
import { startPostgres } from '../../embedded/postgres.ts';
import { startTemporal } from '../../embedded/temporal.ts';
import { createLogger } from '../../kit/log.ts';
import globalTeardown, { onTeardown } from './global-teardown.ts';
import { prefix, spaciousFolder } from './memory-folder.ts';

const log = createLogger({ logLevel: 'warn' }, 'test');

export default function globalSetup(): Promise<void> {
  return startServers(spaciousFolder());
}

/** Makes `TEST_DATABASE_URL` (the owner's), `TEST_DATABASE_ROLE`, `TEST_DATABASE_TEMPLATE` and `TEST_TEMPORAL_ADDRESS` for the processes of the run. */
export async function startServers(folder: string): Promise<void> {
  const dataDir = mkdtempSync(join(folder, prefix));
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
  const role = { name: `${template}_application`, password: randomBytes(12).toString('hex') };
  await administer(url, `create role ${role.name} login password '${role.password}'`);
  const db = connect(withDatabase(url, template), { max: 1, applicationName: 'test-template' });
  try {
    await migrateFor(db, withDatabase(url, template, role));
  } finally {
    await db.destroy();
  }
  process.env.TEST_DATABASE_URL = url;
  process.env.TEST_DATABASE_ROLE = `${role.name}:${role.password}`;
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
  process.env.TEST_TEMPORAL_UI_URL = temporal.uiUrl;
  return temporal.address;
}

async function ownPostgres(dataDir: string): Promise<string> {
  const postgres = await startPostgres({ dataDir, log });
  onTeardown(() => postgres.stop());
  // The data is thrown away, so it need not survive a crash of the machine.
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
    await administer(postgres.ownerUrl, `alter system set ${setting} = off`);
  await administer(postgres.ownerUrl, 'select pg_reload_conf()');
  return postgres.ownerUrl;
}

async function dropAll(url: string, prefix: string): Promise<void> {
  const names = await administer(url, `select datname from pg_database where starts_with(datname, '${prefix}')`);
  for (const { datname } of names) await administer(url, `drop database if exists ${String(datname)} with (force)`);
  await administer(url, `drop role if exists ${prefix}_application`);
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

function withDatabase(url: string, name: string, role?: { name: string; password: string }): string {
  const address = new URL(url);
  if (role !== undefined) [address.username, address.password] = [role.name, role.password];
  address.pathname = `/${name}`;
  return address.href;
}
