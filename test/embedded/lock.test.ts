import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AlreadyRunningError, lockDataDir } from '../../embedded/lock.ts';
import { temporaryDataDir } from '../support/embedded/helpers.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryDataDir();
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

const address = 'http://127.0.0.1:8080';
const lock = () => join(dataDir, 'lock');

test('a second start is refused, naming the process and the address of the first', async () => {
  const unlock = await lockDataDir(dataDir, address);
  const refusal = await lockDataDir(dataDir, 'http://127.0.0.1:9090').catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(AlreadyRunningError);
  expect(refusal).toMatchObject({ pid: process.pid, address });
  expect(String(refusal)).toContain(`process ${process.pid}, ${address}`);
  unlock();
  expect(existsSync(lock())).toBe(false);
});

test('the lock of a dead process is taken over', async () => {
  const { pid } = spawnSync('true');
  writeFileSync(lock(), JSON.stringify({ pid, identity: 'gone/1', address, nonce: 'x' }));
  const unlock = await lockDataDir(dataDir, address);
  expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid });
  unlock();
});

test('a lock whose process id was given to another process is taken over', async () => {
  writeFileSync(lock(), JSON.stringify({ pid: process.ppid, identity: 'another-boot/1', address, nonce: 'x' }));
  const unlock = await lockDataDir(dataDir, address);
  unlock();
});

test('a broken lock file is taken over', async () => {
  writeFileSync(lock(), '{"pid":');
  const unlock = await lockDataDir(dataDir, address);
  unlock();
});

test('of many starts on a stale lock exactly one gets it', async () => {
  writeFileSync(lock(), JSON.stringify({ pid: 1, identity: 'gone/1', address, nonce: 'x' }));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, async () => await lockDataDir(dataDir, address)),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AlreadyRunningError);
});

test('unlocking does not remove a lock that another process has taken', async () => {
  const unlock = await lockDataDir(dataDir, address);
  writeFileSync(lock(), 'of another');
  unlock();
  expect(readFileSync(lock(), 'utf8')).toBe('of another');
});
