import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { canReach } from '../../embedded/database-user.ts';
import { startPostgres } from '../../embedded/postgres.ts';
import { quiet, temporaryDataDir } from '../support/embedded/helpers.ts';

let parent: string;
let dataDir: string;
beforeEach(() => {
  parent = temporaryDataDir();
  dataDir = join(parent, 'data');
});
afterEach(() => {
  const note = join(dataDir, 'postgres-folder');
  if (existsSync(note)) rmSync(readFileSync(note, 'utf8').trim(), { recursive: true });
  rmSync(parent, { recursive: true });
});

async function run(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

test('data below a folder that is closed to others is kept and found again, whoever runs the server', async () => {
  const first = await startPostgres({ dataDir, log: quiet });
  await run(first.ownerUrl, 'create table kept as select 7 as id');
  await first.stop();
  const second = await startPostgres({ dataDir, log: quiet });
  expect(await run(second.ownerUrl, 'select id from kept')).toEqual([{ id: 7 }]);
  await second.stop();
});

test('a pid file that names a living process which is no server of this data does not hinder the start', async () => {
  const first = await startPostgres({ dataDir, log: quiet });
  const [row] = (await run(first.ownerUrl, 'show data_directory')) as { data_directory: string }[];
  await first.stop();
  const file = join(row?.data_directory ?? '', 'postmaster.pid');
  writeFileSync(file, `${process.ppid}\n${row?.data_directory}\n1\n5432\n`);
  const second = await startPostgres({ dataDir, log: quiet });
  await second.stop();
});

test('the password is kept readable for its owner only, and a start without it says what to do', async () => {
  const first = await startPostgres({ dataDir, log: quiet });
  await first.stop();
  const file = join(dataDir, 'postgres-password');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  rmSync(file);
  await expect(startPostgres({ dataDir, log: quiet })).rejects.toThrow(/postgres-password is gone/);
});

test('a user reaches a folder only when every folder above permits it', () => {
  const stranger = { uid: 54_321, gid: 54_321 };
  const inner = join(parent, 'inner');
  mkdirSync(inner);
  chmodSync(inner, 0o755);
  chmodSync(parent, 0o700);
  expect(canReach(stranger, inner)).toBe(false);
  chmodSync(parent, 0o711);
  expect(canReach(stranger, inner)).toBe(true);
  expect(canReach({ uid: statSync(inner).uid, gid: 54_321 }, inner)).toBe(true);
  chmodSync(inner, 0o750);
  expect(canReach(stranger, inner)).toBe(false);
  expect(canReach({ uid: 54_321, gid: statSync(inner).gid }, inner)).toBe(true);
});
