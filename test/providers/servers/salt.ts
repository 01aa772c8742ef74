// Salt on the loopback: a master, minions and salt-api, each with folders of its own, ended by their pids.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SaltSettings } from '../../../activities/providers/runner/salt/api.ts';
import { eventually, unique } from '../../harness.ts';
import { debian, python } from './install.ts';
import { freePort, listens, startServer } from './process.ts';
import type { RunningServer } from './process.ts';

const run = promisify(execFile);
const password = 'a-password-of-the-test';
const jobs = '/var/lib/slipway/jobs';
const patience = { timeout: 120_000, interval: 500 };

export interface SaltServers {
  readonly settings: SaltSettings;
  readonly password: string;
  readonly minions: readonly [string, string, string];
  /** A folder of the master's file_roots. */
  readonly fileRoot: string;
  /** Ends a minion, or starts it again. */
  stopMinion(name: string): Promise<void>;
  startMinion(name: string): Promise<void>;
  stop(): Promise<void>;
}

function folderFor(root: string, name: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

interface Ports {
  publish: number;
  ret: number;
  api: number;
}

/** Configurations are JSON, which is YAML. */
function masterConfig(root: string, { publish, ret, api }: Ports): object {
  return {
    ...{ root_dir: root, user: 'root', interface: '127.0.0.1', publish_port: publish, ret_port: ret },
    ...{
      pki_dir: join(root, 'pki'),
      cachedir: join(root, 'cache'),
      sock_dir: join(root, 'sock'),
      log_level: 'warning',
    },
    ...{ log_file: join(root, 'master.log'), auto_accept: true, worker_threads: 3 },
    file_roots: { base: [folderFor(root, 'files')] },
    external_auth: { sharedsecret: { slipway: ['.*', '@runner', '@jobs'] } },
    sharedsecret: password,
    netapi_enable_clients: ['local', 'local_async', 'runner'],
    rest_cherrypy: { port: api, host: '127.0.0.1', disable_ssl: true },
  };
}

function minionConfig(root: string, id: string, { publish, ret }: Ports): object {
  return {
    ...{ root_dir: root, id, user: 'root', master: '127.0.0.1', master_port: ret, publish_port: publish },
    ...{ pki_dir: join(root, 'pki'), cachedir: join(root, 'cache'), sock_dir: join(root, 'sock') },
    ...{ log_file: join(root, 'minion.log'), log_level: 'warning', grains_cache: true, enable_fqdns_grains: false },
  };
}

export async function startSalt(): Promise<SaltServers> {
  await debian('/usr/share/doc/python3-venv', 'python3-venv');
  const programs = await python('salt', 'salt==3008.3', 'cherrypy');
  // Sockets of the system have short names.
  const root = mkdtempSync(join(tmpdir(), 'salt-'));
  const ports = { publish: await freePort(), ret: await freePort(), api: await freePort() };
  const names = [1, 2, 3].map((number) => `minion-${number}.${unique()}`) as [string, string, string];
  const start = (program: string, folder: string, config: object, file: string): RunningServer => {
    writeFileSync(join(folder, file), JSON.stringify(config));
    return startServer(join(programs, program), ['-c', folder]);
  };
  const masterFolder = folderFor(root, 'm');
  const config = masterConfig(masterFolder, ports);
  const servers = [start('salt-master', masterFolder, config, 'master')];
  await eventually(() => listens(ports.ret), patience);
  servers.push(startServer(join(programs, 'salt-api'), ['-c', masterFolder]));
  const minions = new Map<string, RunningServer>();
  const startMinion = (name: string): void => {
    const folder = folderFor(root, String(names.indexOf(name)));
    minions.set(name, start('salt-minion', folder, minionConfig(folder, name, ports), 'minion'));
  };
  const answers = async (name: string): Promise<boolean> => {
    const { stdout } = await run(join(programs, 'salt'), [
      '-c',
      masterFolder,
      '--out=json',
      '-t',
      '5',
      name,
      'test.ping',
    ]);
    return stdout.includes('true');
  };
  for (const name of names) startMinion(name);
  await eventually(() => listens(ports.api), patience);
  for (const name of names) await eventually(() => answers(name), patience);
  const settings = { url: `http://127.0.0.1:${ports.api}`, user: 'slipway', password, eauth: 'sharedsecret' };
  return {
    ...{ settings, password, minions: names, fileRoot: join(masterFolder, 'files') },
    stopMinion: async (name) => minions.get(name)?.stop(),
    startMinion: async (name) => {
      startMinion(name);
      await eventually(() => answers(name), patience);
    },
    stop: async () => {
      await Promise.all([...minions.values(), ...servers].map((server) => server.stop()));
      for (const name of names) rmSync(join(jobs, name.replaceAll('.', ':')), { recursive: true, force: true });
      rmSync(root, { recursive: true, force: true });
    },
  };
}
