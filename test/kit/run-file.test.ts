import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, processIdentity } from '../../kit/process-identity.ts';
import { listRunFiles, writeRunFile } from '../../kit/run-file.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'slipway-run-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

test('a process is listed while its run file lives, and leaves nothing behind', () => {
  const remove = writeRunFile(dataDir, { role: 'api', port: 8080 });
  expect(listRunFiles(dataDir)).toMatchObject([{ role: 'api', pid: process.pid, port: 8080, alive: true }]);
  expect(readdirSync(join(dataDir, 'run'))).toEqual([`api-${process.pid}.json`]);
  remove();
  expect(readdirSync(join(dataDir, 'run'))).toEqual([]);
});

test('a recorded process id that now belongs to another process counts as dead', () => {
  const remove = writeRunFile(dataDir, { role: 'worker' });
  const [found] = listRunFiles(dataDir);
  writeFileSync(found?.path ?? '', JSON.stringify({ ...found, identity: 'another-boot/1' }));
  expect(listRunFiles(dataDir)).toMatchObject([{ role: 'worker', pid: process.pid, alive: false }]);
  remove();
});

test('a folder without run files, and a broken run file, list nothing', () => {
  expect(listRunFiles(dataDir)).toEqual([]);
  writeRunFile(dataDir, { role: 'api' })();
  writeFileSync(join(dataDir, 'run', 'api-1.json'), '{"role":');
  expect(listRunFiles(dataDir)).toEqual([]);
});

test('an identity belongs to one process and ends with it', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const identity = processIdentity(pid) ?? '';
  expect(identity).not.toBe('');
  expect(identity).not.toBe(processIdentity(process.pid));
  expect(isAlive(pid, identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(pid, identity)).toBe(false);
});
