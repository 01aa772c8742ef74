import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { findStack } from '../../kit/find-stack.ts';
import { endOrphans, startStack, type Stack } from '../../embedded/supervise.ts';
import { processIdentity } from '../../kit/process-identity.ts';
import { listRunFiles, writeRunFile } from '../../kit/run-file.ts';
import { quiet, temporaryDataDir, until } from '../support/embedded/helpers.ts';

const config = (dataDir: string) => ({ dataDir, host: '127.0.0.1', port: 8080 });

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function withTemporal<T>(stack: Stack, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: stack.temporalAddress, connectTimeout: 2_000 });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

describe('a running stack', () => {
  const dataDir = temporaryDataDir();
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack(config(dataDir), quiet);
  }, 300_000);
  afterAll(async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true });
  });

  test('records each of its servers with its port', () => {
    const { postgres, temporal } = stack.pids;
    const records = listRunFiles(dataDir).sort((a, b) => a.role.localeCompare(b.role));
    expect(records).toMatchObject([
      { role: 'postgres', pid: postgres, port: Number(new URL(stack.databaseUrl).port), alive: true },
      { role: 'temporal', pid: temporal, port: Number(stack.temporalAddress.split(':')[1]), alive: true },
    ]);
  });

  test('is found by other processes on its data folder, and not where none runs', () => {
    const { databaseUrl, temporalAddress } = stack;
    const none = { databaseUrl: undefined, temporalAddress: undefined };
    expect(findStack({ dataDir, ...none })).toEqual({ databaseUrl, temporalAddress });
    expect(() => findStack({ dataDir: join(dataDir, 'other'), ...none })).toThrow(
      'set DATABASE_URL and TEMPORAL_ADDRESS',
    );
  });

  test('refuses a second start on its data folder', async () => {
    await expect(startStack(config(dataDir), quiet)).rejects.toThrow(`process ${process.pid}, http://127.0.0.1:8080`);
  });

  test('keeps committed rows and its address when the database is killed', async () => {
    await query(stack.ownerDatabaseUrl, 'create table kept (id int); insert into kept values (7)');
    const killed = stack.pids.postgres ?? 0;
    process.kill(killed, 'SIGKILL');
    const rows = await until('the database', async () => await query(stack.ownerDatabaseUrl, 'select id from kept'));
    expect(rows).toEqual([{ id: 7 }]);
    await until('its record', () => stack.pids.postgres !== killed);
  });

  test('keeps open workflows, search attributes and its address when the engine is killed', async () => {
    const workflowId = randomUUID();
    const start = { workflowId, taskQueue: 'nobody-polls', searchAttributes: { SlipwayKind: ['deploy'] } };
    await withTemporal(stack, async ({ workflow }) => await workflow.start('anything', start));
    const killed = stack.pids.temporal ?? 0;
    process.kill(killed, 'SIGKILL');
    await until('the other process', () => stack.pids.temporal !== killed);
    const found = await until('the engine', () =>
      withTemporal(stack, async ({ workflow }) => await workflow.getHandle(workflowId).describe()),
    );
    expect(found.status.name).toBe('RUNNING');
    await withTemporal(
      stack,
      async ({ workflow }) => await workflow.start('anything', { ...start, workflowId: randomUUID() }),
    );
  });

  test('stores text as UTF-8 and compares it without regard to the locale of the machine', async () => {
    const [row] = await query(
      stack.databaseUrl,
      `select lower('ÄÖ部署') as low, current_setting('server_encoding') as encoding`,
    );
    expect(row).toEqual({ low: 'äö部署', encoding: 'UTF8' });
  });

  test('refuses a wrong password', async () => {
    const url = new URL(stack.databaseUrl);
    url.password = 'wrong';
    await expect(query(url.href, 'select 1')).rejects.toThrow('password authentication failed');
  });
});

test('a stopped stack leaves no process, record or lock, and starts again with its data', async () => {
  const dataDir = temporaryDataDir();
  try {
    const first = await startStack(config(dataDir), quiet);
    const pids = Object.values(first.pids);
    await query(first.ownerDatabaseUrl, 'create table kept (id int)');
    await first.stop();
    await first.stop();
    expect(pids.map(processIdentity)).toEqual([undefined, undefined]);
    expect(listRunFiles(dataDir)).toEqual([]);
    const second = await startStack(config(dataDir), quiet);
    await expect(query(second.ownerDatabaseUrl, 'select * from kept')).resolves.toEqual([]);
    await second.stop();
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('after kill -9 of the parent its servers die, and the next start works on the same data', async () => {
  const dataDir = temporaryDataDir();
  const parent = spawn(process.execPath, [join(__dirname, '../support/embedded/hold-stack.ts'), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const left = Object.values(JSON.parse(line.toString('utf8')) as Record<string, number>);
  expect(left.map((pid) => processIdentity(pid) !== undefined)).toEqual([true, true]);
  const gone = once(parent, 'exit');
  parent.kill('SIGKILL');
  await gone;
  const stack = await startStack(config(dataDir), quiet);
  try {
    expect(left.map(processIdentity)).toEqual([undefined, undefined]);
    expect(
      listRunFiles(dataDir)
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual(Object.values(stack.pids).sort());
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true });
  }
});

test('a server left behind is ended by its record; a process that was given its id since is not touched', async () => {
  const dataDir = temporaryDataDir();
  const left = spawn('sleep', ['600']);
  const bystander = spawn('sleep', ['600']);
  try {
    writeRunFile(dataDir, { role: 'temporal', port: 1, pid: left.pid ?? 0 });
    writeRunFile(dataDir, { role: 'postgres', port: 2, pid: bystander.pid ?? 0 });
    const record = listRunFiles(dataDir).find(({ role }) => role === 'postgres');
    writeFileSync(record?.path ?? '', JSON.stringify({ ...record, identity: 'another-boot/1' }));
    await endOrphans(dataDir, quiet);
    expect(processIdentity(left.pid ?? 0)).toBeUndefined();
    expect(processIdentity(bystander.pid ?? 0)).toBeDefined();
    expect(listRunFiles(dataDir)).toEqual([]);
  } finally {
    bystander.kill('SIGKILL');
    left.kill('SIGKILL');
    rmSync(dataDir, { recursive: true });
  }
});

test('nothing is started or locked when database and engine are external', async () => {
  const dataDir = temporaryDataDir();
  const external = { databaseUrl: 'postgres://u:p@db.invalid/slipway', temporalAddress: 'temporal.invalid:7233' };
  const stack = await startStack({ ...config(dataDir), ...external }, quiet);
  expect(stack).toMatchObject({ ...external, pids: {} });
  expect(listRunFiles(dataDir)).toEqual([]);
  await stack.stop();
  rmSync(dataDir, { recursive: true });
});
