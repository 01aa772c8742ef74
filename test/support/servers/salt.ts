// Salt on the loopback: a master, minions and salt-api, each with folders of its own. One for all files of a run: it takes
// a while to start, and what they do there has names of their own. A minion has mounts of its own, so that one path is another
// folder on each of them, as it is on hosts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SaltSettings } from '../../../activities/providers/runner/salt/api.ts';
import { eventually, unique } from '../harness.ts';
import { debian, python } from './install.ts';
import { endLasting, freePort, killServing, listens, startLasting } from './process.ts';
import { onceInRun } from './run.ts';

const password = 'a-password-of-the-test';
const guest = 'guest';
const rights = ['.*', '@runner', '@jobs'];
const patience = { timeout: 120_000, interval: 500 };

type Minions = [string, string, string, ...string[]];

export interface SaltServers {
  readonly settings: SaltSettings;
  readonly password: string;
  readonly minions: Minions;
  /** A folder of the master's file_roots. */
  readonly fileRoot: string;
  /** A folder that each minion has for itself, and where this machine has it. */
  readonly ownFolder: string;
  ownFolderOf(minion: string): string;
  /** How hosts reach the master. */
  readonly master: string;
  /** Folder of Salt's programs. */
  readonly programs: string;
  /** Who may do all but ask for the master's keys, with the same password. */
  readonly guest: string;
  /** Ends a minion, or starts it again. */
  stopMinion(name: string): Promise<void>;
  startMinion(name: string): Promise<void>;
  /** Kills salt-api (`api`), or a minion, without a warning and starts it again; resolves when all minions answer by it. */
  kill(name: string): Promise<void>;
}

function folderFor(root: string, name: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

interface Place {
  programs: string;
  root: string;
  ports: Ports;
  minions: Minions;
}

interface Ports {
  publish: number;
  ret: number;
  api: number;
}

/** Configurations are JSON, which is YAML. */
function masterConfig(root: string, { publish, ret, api }: Ports): object {
  return {
    root_dir: root,
    user: 'root',
    interface: '127.0.0.1',
    publish_port: publish,
    ret_port: ret,
    pki_dir: join(root, 'pki'),
    cachedir: join(root, 'cache'),
    sock_dir: join(root, 'sock'),
    log_level: 'warning',
    log_file: join(root, 'master.log'),
    autosign_file: join(root, 'autosign'),
    worker_threads: 3,
    file_roots: { base: [folderFor(root, 'files')] },
    external_auth: { sharedsecret: { slipway: [...rights, '@wheel'], [guest]: rights } },
    sharedsecret: password,
    netapi_enable_clients: ['local', 'local_async', 'runner', 'wheel'],
    rest_cherrypy: { port: api, host: '127.0.0.1', disable_ssl: true },
  };
}

function minionConfig(root: string, id: string, { publish, ret }: Ports): object {
  return {
    root_dir: root,
    id,
    user: 'root',
    master: '127.0.0.1',
    master_port: ret,
    publish_port: publish,
    pki_dir: join(root, 'pki'),
    cachedir: join(root, 'cache'),
    sock_dir: join(root, 'sock'),
    log_file: join(root, 'minion.log'),
    log_level: 'warning',
    grains_cache: true,
    enable_fqdns_grains: false,
  };
}

/** The run's Salt, started by the file that asks first, with as many minions as it wants. */
export async function runningSalt(count = 3): Promise<SaltServers> {
  const place = await onceInRun('salt', () => startSalt(count));
  const { root, ports, minions } = place;
  const fileRoot = join(root, 'm', 'files');
  return {
    settings: settingsOf(ports),
    password,
    minions,
    fileRoot,
    ownFolder: ownFolderIn(root),
    ownFolderOf: (minion) => ownFolderIn(folderOf(place, minion)),
    master: `127.0.0.1:${ports.ret}`,
    programs: place.programs,
    guest,
    stopMinion: (name) => endLasting(join(root, name)),
    startMinion: async (name) => {
      startMinion(place, name);
      await answers(ports, [name]);
    },
    kill: async (name) => {
      if (name === 'api') {
        await killed(place, 'api', join(root, 'm'));
        startApi(place);
      } else {
        await killed(place, 'minion', folderOf(place, name));
        startMinion(place, name);
      }
      await eventually(() => listens(ports.api), patience);
      await answers(ports, minions);
    },
  };
}

const settingsOf = ({ api }: Ports): SaltSettings => ({
  url: `http://127.0.0.1:${api}`,
  user: 'slipway',
  password,
  eauth: 'sharedsecret',
});

const ownFolderIn = (folder: string): string => folderFor(folder, 'own');

const folderOf = ({ root, minions }: Place, minion: string): string => folderFor(root, String(minions.indexOf(minion)));

async function startSalt(count: number): Promise<Place> {
  await debian('/usr/share/doc/python3-venv', 'python3-venv');
  const programs = await python('salt', 'salt==3008.3', 'cherrypy');
  // Sockets of the system have short names.
  const root = mkdtempSync(join(tmpdir(), 's-'));
  const ports = { publish: await freePort(), ret: await freePort(), api: await freePort() };
  const minions = Array.from({ length: count }, (_, index) => `minion-${index + 1}.${unique()}`) as Minions;
  const place: Place = { programs, root, ports, minions };
  const folder = folderFor(root, 'm');
  writeFileSync(join(folder, 'master'), JSON.stringify(masterConfig(folder, ports)));
  // Others have to be accepted.
  writeFileSync(join(folder, 'autosign'), minions.join('\n'));
  startLasting(join(root, 'master'), programOf(place, 'master'), ['-c', folder]);
  await eventually(() => listens(ports.ret), patience);
  startApi(place);
  for (const name of minions) startMinion(place, name);
  await eventually(() => listens(ports.api), patience);
  await answers(ports, minions);
  return place;
}

const programOf = ({ programs }: Place, role: 'master' | 'api' | 'minion'): string => join(programs, `salt-${role}`);

/** Each is several processes, and one that is left over would answer for the new one, if only until it ends. */
async function killed(place: Place, role: 'api' | 'minion', folder: string): Promise<void> {
  await killServing(programOf(place, role), folder);
  // Until its parent reaps it, it counts as running, and Salt would not start a second one.
  for (const before of ['', 'process_responsibility_'])
    rmSync(join(folder, 'var', 'run', `${before}salt-${role}.pid`), { force: true });
}

const startApi = (place: Place): void =>
  startLasting(join(place.root, 'api'), programOf(place, 'api'), ['-c', folderFor(place.root, 'm')]);

function startMinion(place: Place, name: string): void {
  const { root, ports } = place;
  const folder = folderOf(place, name);
  writeFileSync(join(folder, 'minion'), JSON.stringify(minionConfig(folder, name, ports)));
  const minion = [programOf(place, 'minion'), '-c', folder];
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  startLasting(join(root, name), 'unshare', [
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    ownFolderIn(folder),
    ownFolderIn(root),
    ...minion,
  ]);
}

/** Waits until all of these minions answer, by the API itself. */
async function answers(ports: Ports, names: readonly string[]): Promise<void> {
  const { url, user: username, eauth } = settingsOf(ports);
  const low = { client: 'local', tgt: names, tgt_type: 'list', fun: 'test.ping', timeout: 3, gather_job_timeout: 3 };
  await eventually(async () => {
    const response = await fetch(`${url}/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify([{ ...low, username, password, eauth }]),
    });
    const answer = (await response.json()) as { return: [Record<string, unknown>] };
    return names.every((name) => answer.return[0][name] === true);
  }, patience);
}
