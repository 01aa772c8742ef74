import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SupervisedServer } from '../../embedded/child.ts';
import { choosePort, freePort, isFree } from '../../embedded/ports.ts';
import { processIdentity } from '../../kit/process-identity.ts';
import { listRunFiles } from '../../kit/run-file.ts';
import { quiet, temporaryDataDir, until } from '../support/embedded/helpers.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryDataDir();
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

function server(script: string, probe: () => Promise<void> = () => Promise.resolve()): SupervisedServer {
  const env = { PATH: '/usr/bin:/bin', DIRECTORY: dataDir };
  const how = { command: '/bin/sh', args: ['-c', script], env, stopSignal: 'SIGTERM' } as const;
  return new SupervisedServer({ role: 'example', dataDir, port: 1, log: quiet, probe, ...how });
}

const starts = () => readFileSync(join(dataDir, 'starts'), 'utf8').trim().split('\n').length;

test('a server that ends at its start is reported with how it ended and what it said', async () => {
  const broken = server('echo "no such table" >&2; exit 3', () => Promise.reject(new Error('refused')));
  await expect(broken.start()).rejects.toThrow('example ended at its start (exit code 3): no such table');
  expect(listRunFiles(dataDir)).toEqual([]);
});

test('a program that is not there is reported', async () => {
  const missing = new SupervisedServer({
    role: 'example',
    dataDir,
    port: 1,
    log: quiet,
    command: '/nowhere',
    args: [],
    env: {},
    stopSignal: 'SIGTERM',
    probe: () => Promise.resolve(),
  });
  await expect(missing.start()).rejects.toThrow('ENOENT');
});

test('a server that keeps dying is started again and again until it is stopped, then never more', async () => {
  const dying = server('echo x >> "$DIRECTORY/starts"; sleep 0.05');
  await dying.start();
  await until('three starts', () => starts() >= 3);
  await dying.stop();
  const then = starts();
  expect(listRunFiles(dataDir)).toEqual([]);
  expect(processIdentity(dying.pid)).toBeUndefined();
  expect(starts()).toBe(then);
});

test('a server leads a session of its own, so that the keys of a terminal do not reach it', async () => {
  const sleeping = server('exec sleep 600');
  await sleeping.start();
  const { stdout } = spawnSync('ps', ['-o', 'pgid=', '-p', String(sleeping.pid)], { encoding: 'utf8' });
  expect(Number(stdout)).toBe(sleeping.pid);
  await sleeping.stop();
});

test('a port that is asked for and taken is refused with the name of its variable', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await until('it listens', () => taken.listening);
  const { port } = taken.address() as AddressInfo;
  await expect(choosePort(port, 'SLIPWAY_PG_PORT')).rejects.toThrow(`port ${port} is in use: set SLIPWAY_PG_PORT`);
  taken.close();
  expect(await isFree(await freePort())).toBe(true);
});
