import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { prune, switchRelease, unpack } from '../../activities/deploy/host-scripts.ts';
import type { Job, RunnerHost } from '../../activities/providers/runner/driver.ts';
import { createSshRunner } from '../../activities/providers/runner/ssh/transport.ts';
import type { SshSettings } from '../../activities/providers/runner/ssh/settings.ts';
import { eventually, unique } from '../support/harness.ts';
import { sweepSuite } from './runner-sweep.suite.ts';
import { valuesSuite } from './runner-values.suite.ts';
import type { WithFolders } from './runner-values.suite.ts';
import { endOf, expectRefusal, jobOf, runnerSuite, said } from './runner.suite.ts';
import { makeAccount } from '../support/servers/account.ts';
import { debian } from '../support/servers/install.ts';
import { startSshd } from '../support/servers/sshd.ts';
import type { SshServer } from '../support/servers/sshd.ts';

const hostOf = (address = '127.0.0.1'): RunnerHost => ({ name: `ssh-${unique()}`, runner: 'ssh', address });
const forgetHost = ({ name }: RunnerHost): void => {
  rmSync(join('/var/lib/slipway/jobs', name), { recursive: true, force: true });
};

async function open(): Promise<WithFolders> {
  const server = await startSshd();
  const host = hostOf();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-ssh-files-'));
  await createSshRunner(server.settings).prepare(host);
  return {
    host,
    folder,
    gone: { name: 'no-such-host', runner: 'ssh', address: '127.0.0.2' },
    another: () => createSshRunner(server.settings),
    folderOf: (jobId) => join('/var/lib/slipway/jobs', host.name, jobId),
    teach: () => undefined,
    close: async () => {
      await server.stop();
      forgetHost(host);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

runnerSuite('ssh', open);
valuesSuite('ssh', open);
sweepSuite('ssh', open);

const shells = [
  ['bash', '/bin/bash', '.bashrc', 'bash'],
  ['zsh', '/usr/bin/zsh', '.zshenv', 'zsh'],
] as const;
const frame = `${'ab'.repeat(16)} 11 ok absent 0 ${'ab'.repeat(16)}`;
const printing = [
  ['a greeting', 'echo "Welcome to prod"'],
  ['text without a newline', 'printf "Welcome to prod"; echo -n "and on stderr" >&2'],
  ['what looks like an answer', `printf 'ok absent 0\nrefused bm8=\n${frame}'`],
  ['more than a connection holds at once', 'head -c 300000 /dev/zero | tr "\\0" x'],
  ['a text while the agent writes', '(sleep 0.2; echo later; sleep 0.2; echo latest) &'],
] as const;

describe.each(shells)('a user whose shell is %s and whose start file prints', (_name, shell, file, debianPackage) => {
  const host = hostOf();
  const account = makeAccount();
  const home = dirname(account.authorizedKeys);
  let server: SshServer;

  beforeAll(async () => {
    await debian(shell, debianPackage);
    execFileSync('usermod', ['--shell', shell, account.username]);
    execFileSync('chown', [account.username, home]);
    server = await startSshd({ startFiles: true });
    chmodSync(server.folder, 0o711);
  });
  afterAll(async () => {
    await server.stop();
    account.remove();
  });

  /** A runner on a connection of its own, after the start file has become this. */
  function runnerWith(startFile: string) {
    writeFileSync(join(home, file), `${startFile}\n`);
    return createSshRunner({ ...server.settings, user: account.username });
  }

  test.each(printing)('%s: jobs and files are as without it', async (_what, startFile) => {
    const runner = runnerWith(startFile);
    const [job, content] = [jobOf({ script: 'echo here; exit 3', behaviour: () => undefined }), 'x'.repeat(400_000)];
    await runner.prepare(host);
    await runner.start(host, job);
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 3, notes: [] });
    expect(await said(runner, host, job.id)).toBe('here\n');
    const [source, target] = [join(server.folder, 'source'), join(home, `target-${unique()}`)];
    writeFileSync(source, content);
    await runner.putFile(host, target, source, { sha256: createHash('sha256').update(content).digest('hex') });
    expect(readFileSync(target, 'utf8')).toBe(content);
    expect((await runner.readBlock(host, target, 0, 1 << 20)).data.toString()).toBe(content);
    expect(await runner.realPaths(host, [target])).toEqual([{ kind: 'path', path: target }]);
    expect((await runner.list(host, home)).map(({ name }) => name)).toContain(basename(target));
  });

  test.each([
    ['ends the session', 'echo "This account is currently not available."; exit 0', 'is currently not available.'],
    ['reads the request', 'echo "Which environment?"; cat >/dev/null', 'prints: "Which environment?'],
    ['sends everything elsewhere', 'exec >/dev/null 2>&1', 'and prints nothing'],
  ])('a start file that %s is told by what it prints', async (_what, startFile, told) => {
    await expectRefusal(runnerWith(startFile).ping(host), 'unavailable', told);
  });
});

describe('the ssh runner alone', () => {
  const host = hostOf();
  let server: SshServer;

  beforeAll(async () => {
    server = await startSshd();
  });
  afterAll(async () => {
    await server.stop();
    forgetHost(host);
  });

  const runnerWith = (over: Partial<SshSettings> = {}) => createSshRunner({ ...server.settings, ...over });
  const fileOf = (name: string, content: string): string => {
    const file = join(server.folder, name);
    writeFileSync(file, content);
    return file;
  };
  const job = (script: string, over: Partial<Job> = {}): Job => jobOf({ script, behaviour: () => undefined }, over);

  describe('the host’s key', () => {
    test('a host that is not pinned is refused, and the message shows its key', async () => {
      const knownHosts = fileOf('none', '# nobody\n');
      const shown = execFileSync('ssh-keygen', ['-l', '-f', join(server.folder, 'host_ed25519.pub')]).toString();
      const fingerprint = /SHA256:\S+/.exec(shown)?.[0] ?? 'none';
      await expectRefusal(runnerWith({ knownHosts }).ping(host), 'refused', fingerprint);
      await expectRefusal(runnerWith({ knownHosts }).ping(host), 'refused', 'SLIPWAY_SSH_KNOWN_HOSTS');
    });

    test('another key than the pinned one is refused', async () => {
      const other = readFileSync(`${server.makeKey('other')}.pub`, 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ');
      const knownHosts = fileOf('changed', `[127.0.0.1]:${server.settings.port} ${other}\n`);
      await expectRefusal(runnerWith({ knownHosts }).ping(host), 'refused', 'another one than');
    });

    test('a line for the host’s name, a hashed one, and one of another kind of key do', async () => {
      const plain = fileOf('by-name', server.knownLine(host.name));
      await runnerWith({ knownHosts: plain }).ping(host);
      const hashed = fileOf('hashed', server.knownLine('127.0.0.1'));
      execFileSync('ssh-keygen', ['-q', '-H', '-f', hashed], { stdio: 'ignore' });
      expect(readFileSync(hashed, 'utf8')).toMatch(/^\|1\|/);
      await runnerWith({ knownHosts: hashed }).ping(host);
      const ecdsa = readFileSync(join(server.folder, 'host_ecdsa.pub'), 'utf8');
      await runnerWith({ knownHosts: fileOf('ecdsa', `[127.0.0.*]:${server.settings.port} ${ecdsa}`) }).ping(host);
    });

    test('a revoked key is refused though it is pinned, and a line that is added counts at once', async () => {
      const knownHosts = fileOf('revoked', `${server.knownLine('127.0.0.1')}@revoked ${server.knownLine('127.0.0.1')}`);
      const runner = runnerWith({ knownHosts });
      await expectRefusal(runner.ping(host), 'refused', 'revokes');
      writeFileSync(knownHosts, '');
      await expectRefusal(runner.ping(host), 'refused', 'is not in the file');
      appendFileSync(knownHosts, server.knownLine('127.0.0.1'));
      await runner.ping(host);
    });
  });

  test('an upload that is given up in its middle ends at once and leaves nothing; the connection goes on', async () => {
    const [runner, sha256] = [runnerWith(), 'a'.repeat(64)];
    const source = join(server.folder, 'large');
    writeFileSync(source, '');
    truncateSync(source, 4 * 2 ** 30);
    const folder = join(server.folder, 'uploads');
    const wish = new AbortController();
    const upload = runner.putFile(host, join(folder, 'large'), source, { sha256, signal: wish.signal });
    await eventually(async () => (await runner.list(host, folder)).some(({ size }) => size > 0), { timeout: 30_000 });
    wish.abort();
    await expectRefusal(upload, 'unavailable', 'it was given up');
    expect(await runner.list(host, folder)).toEqual([]);
    await runner.ping(host);
  });

  describe('our key', () => {
    test('a key that the host does not take is refused', async () => {
      await expectRefusal(
        runnerWith({ keyFile: server.makeKey('stranger') }).ping(host),
        'refused',
        'for the user root',
      );
    });

    test('a key file that others may read is refused, naming the variable', async () => {
      const keyFile = server.makeKey('open');
      chmodSync(keyFile, 0o644);
      await expectRefusal(runnerWith({ keyFile }).ping(host), 'refused', 'SLIPWAY_SSH_KEY_FILE has mode 0644');
    });

    test('a file that is no key, and one that is missing, are refused without a word of what is in it', async () => {
      const keyFile = fileOf('no-key', 'hunter2\n');
      chmodSync(keyFile, 0o600);
      await expectRefusal(runnerWith({ keyFile }).ping(host), 'refused', 'holds no private key');
      await expectRefusal(runnerWith({ keyFile: '/no/such/file' }).ping(host), 'refused', 'cannot be read');
    });
  });

  test.each(['169.254.169.254', '100.100.100.200', '::ffff:169.254.1.1', '::ffff:a9fe:a9fe', 'fe80::1', '0.0.0.0'])(
    'the address %s is refused before anybody is asked',
    async (address) => {
      await expectRefusal(runnerWith().ping({ ...host, address }), 'refused', 'which is never called');
    },
  );

  test('forty calls at once on one connection are all answered, though a server takes ten channels', async () => {
    const runner = runnerWith();
    const answers = await Promise.all(Array.from({ length: 40 }, () => runner.stat(host, '/')));
    expect(answers).toHaveLength(40);
  });

  test('an application’s user who plants links in the deploy path has nothing written as root', async () => {
    const [runner, place] = [runnerWith(), join(server.folder, 'web')];
    chmodSync(server.folder, 0o711);
    const cron = join(server.folder, 'cron');
    mkdirSync(join(place, '.slipway/tasks/7'), { recursive: true });
    symlinkSync('* * * * * root id', join(place, 'current'));
    symlinkSync(cron, join(place, '.slipway/tasks/7/former.new'));
    execFileSync('chown', ['-Rh', 'nobody', place]);
    const content = fileOf('VERSION', '2.0.0');
    const package_ = join(server.folder, 'package.tar');
    execFileSync('tar', ['-cf', package_, '-C', server.folder, 'VERSION']);
    const sha256 = createHash('sha256').update(readFileSync(package_)).digest('hex');
    await runner.putFile(host, { kept: `t7/${sha256}.tar` }, package_, { sha256, mode: 0o600 });
    const kept = join('/var/lib/slipway/steps', host.name);
    expect(readdirSync(join(kept, 't7'))).toEqual([`${sha256}.tar`]);
    const env = {
      SLIPWAY_TASK: '7',
      SLIPWAY_VERSION: '2.0.0',
      SLIPWAY_PREVIOUS_VERSION: '1.0.0',
      SLIPWAY_DROPPED: '',
      SLIPWAY_PACKAGE: `${sha256}.tar`,
      SLIPWAY_RUN_USER: 'nobody',
      SLIPWAY_DEPLOY_PATH: place,
      SLIPWAY_ROOTS: server.folder,
    };
    for (const script of [unpack, switchRelease, prune]) {
      const step = job(script, { env });
      await runner.start(host, step);
      expect(await endOf(runner, host, step.id)).toMatchObject({ exitCode: 0 });
    }
    expect(existsSync(cron)).toBe(false);
    expect(readFileSync(join(place, 'current', basename(content)), 'utf8')).toBe('2.0.0');
    expect(statSync(join(place, 'current', 'VERSION')).uid).toBe(statSync(place).uid);
    expect(readdirSync(kept)).toEqual([]);
    rmSync(kept, { recursive: true });
  });

  test('a job lives on when the server goes, and the same driver finds it on a new connection', async () => {
    const runner = runnerWith();
    const long = job('echo before; until [ -e "$GO" ]; do sleep 0.1; done; echo after; exit 5', {
      env: { GO: join(server.folder, 'go') },
    });
    await runner.start(host, long);
    await eventually(async () => (await said(runner, host, long.id)) === 'before\n');
    await server.restart();
    expect(await runner.state(host, long.id)).toMatchObject({ state: 'running' });
    fileOf('go', '');
    expect(await endOf(runner, host, long.id)).toMatchObject({ state: 'exited', exitCode: 5 });
    expect(await said(runner, host, long.id)).toBe('before\nafter\n');
  });

  test('a host that nobody initialised with this version gets the agent with the first call', async () => {
    const home = '/var/lib/slipway';
    for (const name of readdirSync(home)) if (name.startsWith('agent-')) rmSync(join(home, name));
    const first = job('echo here');
    const runner = runnerWith();
    await runner.start(host, first);
    await endOf(runner, host, first.id);
    expect(await said(runner, host, first.id)).toBe('here\n');
  });
});
