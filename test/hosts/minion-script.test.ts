// The script that installs a minion, run on a host made of a folder: only the programs that it may use are found there, and
// package managers, salt-call and salt-minion are stand-ins that write down how they were called.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installMinion } from '../../activities/hosts/minion-script.ts';
import { fingerprintOf } from '../../activities/providers/runner/salt/keys.ts';
import { publicKey } from '../support/doubles/salt-keys.ts';
import { eventually } from '../support/harness.ts';

const tools = [
  'bash',
  'sh',
  'sed',
  'grep',
  'cut',
  'cat',
  'tr',
  'sha256sum',
  'dirname',
  'mkdir',
  'mktemp',
  'chmod',
  'mv',
  'rm',
  'seq',
  'setsid',
  'env',
  'cp',
  'timeout',
];
const key = publicKey();
const master = publicKey();
/** As `sleep` itself is a stand-in that does not. */
const realSleep = spawnSync('sh', ['-c', 'command -v sleep'], { encoding: 'utf8' }).stdout.trim();
const managers = ['apt-get', 'dnf', 'yum', 'zypper'] as const;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-host-'));
  for (const name of ['bin', 'pki', 'run']) mkdirSync(join(folder, name));
  for (const name of tools) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), join(folder, 'bin', name));
  }
  program('id', 'echo 0');
  program('sleep', ':');
  program('true', ':');
  writeFileSync(own('calls'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const own = (name: string): string => join(folder, name);
const calls = (): string[] => readFileSync(own('calls'), 'utf8').split('\n').slice(0, -1);
const dropIn = (): string => readFileSync(own('etc/minion.d/slipway.conf'), 'utf8');

function program(name: string, content: string): void {
  const place = own(`bin/${name}`);
  rmSync(place, { force: true });
  // Never through a link: those lead to the machine's own programs.
  writeFileSync(place, `#!/bin/sh\n${content}\n`, { mode: 0o755, flag: 'wx' });
}
const tells = (name: string): string => `echo "${name} $*" >>${own('calls')}`;

/** Salt as a package brings it: a minion makes its key when it starts. */
function salt(makesKey = true): void {
  const config = {
    conf_file: own('etc/minion'),
    pki_dir: own('pki'),
    pidfile: own('run/pid'),
    beacons: { pidfile: 'no' },
  };
  writeFileSync(own('config'), `${JSON.stringify({ local: config }, null, 4)}\n`);
  writeFileSync(own('key'), key);
  program('salt-call', `${tells('salt-call')}\ncat ${own('config')}`);
  program('salt-minion', `${tells('salt-minion')}\n${makesKey ? `cp ${own('key')} ${own('pki/minion.pub')}` : ':'}`);
}

function run(env: Record<string, string> = {}) {
  writeFileSync(own('script'), installMinion);
  const { status, signal, stdout, stderr } = spawnSync(own('bin/bash'), [own('script')], {
    encoding: 'utf8',
    env: {
      PATH: own('bin'),
      SLIPWAY_MASTER: 'salt.example.com:14506',
      SLIPWAY_MINION: 'web-1.example',
      SLIPWAY_MASTER_FINGER: fingerprintOf(master),
      SLIPWAY_ROOT: 'sudo',
      SLIPWAY_SECONDS: '600',
      ...env,
    },
  });
  return { status, signal, stdout, stderr };
}

const success = { status: 0, stdout: expect.stringMatching(new RegExp(`the minion's key: ${fingerprintOf(key)}\n$`)) };

test.each(managers)('%s installs the minion, which is told its master and started; its key is said', (manager) => {
  // What it installs is there afterwards.
  salt();
  for (const name of ['salt-call', 'salt-minion']) renameSync(own(`bin/${name}`), own(name));
  program(
    manager,
    `${tells(manager)}\ncase "$*" in *install*) mv ${own('salt-call')} ${own('salt-minion')} ${own('bin')} ;; esac`,
  );
  expect(run()).toMatchObject(success);
  expect(calls().filter((call) => call.startsWith(manager) && call.endsWith('install salt-minion'))).toHaveLength(1);
  expect(calls().slice(-2)).toEqual([
    'salt-call --local --id=web-1.example --log-level=quiet --out=json config.items',
    'salt-minion -d',
  ]);
  expect(dropIn()).toBe(
    `# written by Slipway\nmaster: 'salt.example.com:14506'\nid: 'web-1.example'\nmaster_finger: '${fingerprintOf(master)}'\n`,
  );
});

test('a minion that is installed stays as it is, however often it is asked for', () => {
  salt();
  program('apt-get', tells('apt-get'));
  expect(run()).toMatchObject(success);
  expect(run()).toMatchObject(success);
  expect(calls().filter((call) => call.startsWith('apt-get'))).toEqual([]);
});

test('a package manager that fails, or that is none, ends it with what to look for, and nothing is written', () => {
  expect(run()).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('there is none of apt-get, dnf, yum and zypper'),
  });
  program('dnf', 'echo "No match for argument: salt-minion" >&2; exit 3');
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toContain('No match for argument: salt-minion');
  expect(stderr).toContain("salt-minion could not be installed: does the host know Salt's repository of packages?");
  expect(existsSync(own('etc'))).toBe(false);
});

test('a configuration of the minion that cannot be read ends it, and nothing is started', () => {
  salt();
  program('salt-call', 'echo "Error parsing configuration file" >&2; exit 78');
  expect(run()).toMatchObject({ status: 78, stderr: expect.stringContaining('Error parsing configuration file') });
  expect(calls()).toEqual([]);
});

test('what salt-call prints besides its answer does not matter', () => {
  salt();
  const foreign = '    "conf_file": "/of/a/plugin",\n[WARNING ] deprecated';
  program('salt-call', `echo '${foreign}'\ncat ${own('config')}\necho bye`);
  expect(run()).toMatchObject(success);
  expect(existsSync(own('etc/minion.d/slipway.conf'))).toBe(true);
});

test('a salt-call that prints something else than where settings lie is told of, and nothing is written', () => {
  salt();
  program('salt-call', 'echo "please accept the licence"');
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /does not say where the minion keeps its settings and keys; it prints:\nplease accept the licence/,
  );
  expect(existsSync(own('etc'))).toBe(false);
});

test('a minion that makes no key is told of', () => {
  salt(false);
  expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining('has made no key; see its log') });
}, 60_000);

test('what is in the environment is no part of any command', () => {
  salt();
  const evil = `$(touch ${own('evil')})\`touch ${own('evil')}\`"; touch ${own('evil')}; "%s`;
  expect(run({ SLIPWAY_MASTER: evil, SLIPWAY_MINION: evil })).toMatchObject(success);
  expect(existsSync(own('evil'))).toBe(false);
  expect(dropIn()).toContain(`master: '${evil}'\nid: '${evil}'\n`);
});

test('the key of a former master is forgotten, that of this one stays', () => {
  salt();
  const known = own('pki/minion_master.pub');
  writeFileSync(known, master);
  expect(run()).toMatchObject(success);
  expect(readFileSync(known, 'utf8')).toBe(master);
  writeFileSync(known, publicKey());
  expect(run()).toMatchObject(success);
  expect(existsSync(known)).toBe(false);
});

test('a running minion is ended before it is started again, and no other process that has its number', async () => {
  salt();
  const started = async (name: string): Promise<ChildProcess> => {
    const child = spawn('sleep', ['60'], { argv0: name, stdio: 'ignore' });
    await eventually(() => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').startsWith(name));
    writeFileSync(own('run/pid'), String(child.pid));
    return child;
  };
  const minion = await started('salt-minion');
  const gone = new Promise((resolve) => minion.once('exit', (_code, signal) => resolve(signal)));
  expect(run()).toMatchObject(success);
  expect(await gone).toMatch(/SIGTERM|SIGKILL/);
  const other = await started('other');
  expect(run()).toMatchObject(success);
  expect(other.exitCode ?? other.signalCode).toBeNull();
  other.kill();
});

/** Another user than root, with a sudo that says yes, or wants a password. */
function asUser(isAllowed: boolean): void {
  program('id', `case "$1" in -un) echo deployer ;; *) [ -e ${own('root')} ] && echo 0 || echo 1000 ;; esac`);
  const yes = `[ "$3" = true ] || : >${own('root')}\nshift\nexec "$@"`;
  program('sudo', `${tells('sudo')}\n${isAllowed ? yes : 'echo "sudo: a password is required" >&2\nexit 1'}`);
}

test('another user than root does it by sudo, with all that it is told, and nothing of it in an argument', () => {
  salt();
  asUser(true);
  const spaced = "web 1'$x.example";
  expect(run({ SLIPWAY_MINION: spaced })).toMatchObject(success);
  const [asked, done] = calls();
  expect(asked).toBe('sudo -n bash -c :');
  expect(done).toBe(`sudo -n bash ${own('script')} settings`);
  expect(dropIn()).toContain(`\nid: '${spaced}'\n`);
});

test('another user than root without sudo, or whom it asks for a password, is told so, and nothing is done', () => {
  salt();
  asUser(false);
  const notAllowed = 'deployer is neither root on this host nor may become it with sudo -n';
  const asked = run();
  expect(asked).toMatchObject({ status: 77, stderr: expect.stringContaining(notAllowed) });
  expect(asked.stderr).toContain('sudo: a password is required');
  expect(calls()).toEqual(['sudo -n bash -c :']);
  rmSync(own('bin/sudo'));
  expect(run()).toMatchObject({ status: 77, stderr: expect.stringContaining(notAllowed) });
});

describe('a package manager that hangs', () => {
  const hanging = (): boolean => {
    const pid = Number(readFileSync(own('pid'), 'utf8'));
    return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  };

  test.each([
    ['is ended after its time', '', { status: 124, signal: null }],
    ['and does not listen is killed', "trap '' TERM", { status: null, signal: 'SIGKILL' }],
  ])(
    '%s, and the same once more installs the minion',
    async (_name, more, ended) => {
      salt();
      for (const name of ['salt-call', 'salt-minion']) renameSync(own(`bin/${name}`), own(name));
      program('dpkg', tells('dpkg'));
      // A process of its own, as dpkg is one of apt-get.
      program('dpkg-like', `${more}\necho $$ >${own('pid')}\n${realSleep} 600`);
      program('apt-get', `${more}\ndpkg-like\nexit 1`);
      expect(run({ SLIPWAY_SECONDS: '1' })).toMatchObject(ended);
      await eventually(() => expect(hanging()).toBe(false));
      program('apt-get', `case "$*" in *install*) mv ${own('salt-call')} ${own('salt-minion')} ${own('bin')} ;; esac`);
      expect(run()).toMatchObject(success);
      expect(calls()).toContain('dpkg --configure -a');
    },
    60_000,
  );
});
