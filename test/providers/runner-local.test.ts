import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Job, Runner } from '../../activities/providers/runner/driver.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { sweepSuite } from './runner-sweep.suite.ts';
import { filesWith, valuesSuite } from './runner-values.suite.ts';
import type { WithFolders } from './runner-values.suite.ts';
import { endOf, expectRefusal, jobOf, runnerSuite, said } from './runner.suite.ts';
import { eventually, unique } from '../support/harness.ts';

const host = { name: 'web-1', runner: 'local' as const, address: null };
const isRoot = process.getuid?.() === 0;

async function open(): Promise<WithFolders> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-local-'));
  await createLocalRunner({ dataDir }).prepare(host);
  return {
    host,
    another: () => createLocalRunner({ dataDir }),
    folderOf: (jobId) => join(dataDir, 'hosts', host.name, '.slipway/jobs', jobId),
    teach: () => undefined,
    close: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

runnerSuite('local', open);
valuesSuite('local', open);
sweepSuite('local', open);

describe('the local runner alone', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-local-'));
  const root = join(dataDir, 'hosts', host.name);
  const runner: Runner = createLocalRunner({ dataDir });
  const folderOf = (job: Job): string => join(root, '.slipway', 'jobs', job.id);

  beforeAll(async () => {
    chmodSync(dataDir, 0o711);
    await runner.prepare(host);
  });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  async function start(script: string, over: Partial<Job> = {}): Promise<Job> {
    const job = jobOf({ script, behaviour: () => undefined }, over);
    await runner.start(host, job);
    return job;
  }

  async function run(script: string, over: Partial<Job> = {}): Promise<string> {
    const job = await start(script, over);
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 0 });
    return said(runner, host, job.id);
  }

  function isAlive(pid: number): boolean {
    try {
      return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  }

  async function pidIn(job: Job): Promise<number> {
    return eventually(async () => Number(/pid=(\d+)\n/.exec(await said(runner, host, job.id))?.[1]) || false);
  }

  describe('paths', () => {
    test('an absolute path lies below the folder of the host', () => {
      expect(runner.path(host, '/opt/app')).toBe(join(root, 'opt/app'));
    });

    test('a link out of the folder is refused in every place, a link within it is followed', async () => {
      mkdirSync(join(root, 'real'), { recursive: true });
      writeFileSync(join(root, 'real', 'file'), 'inside');
      writeFileSync(join(dataDir, 'secret'), 'outside');
      symlinkSync('real', join(root, 'within'));
      symlinkSync(dataDir, join(root, 'out'));
      symlinkSync(join(dataDir, 'secret'), join(root, 'out-file'));
      expect((await runner.readBlock(host, '/within/file', 0, 99)).data.toString()).toBe('inside');
      expect(await runner.realPaths(host, ['/within/file', '/out/secret', '/out-file', '/out/none'])).toEqual([
        { kind: 'path', path: '/real/file' },
        { kind: 'outside' },
        { kind: 'outside' },
        { kind: 'absent' },
      ]);
      const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
      const empty = join(dataDir, 'empty');
      writeFileSync(empty, '');
      for (const path of ['/out/secret', '/out-file']) {
        await expectRefusal(runner.readBlock(host, path, 0, 99), 'refused', 'leads out');
        await expectRefusal(runner.stat(host, path), 'refused', 'leads out');
        await expectRefusal(runner.putFile(host, path, empty, { sha256 }), 'refused', 'leads out');
      }
      await expectRefusal(runner.putFile(host, '/out/new/file', empty, { sha256 }), 'refused', 'leads out');
      await expectRefusal(runner.list(host, '/out'), 'refused', 'leads out');
      await expectRefusal(start('true', { cwd: '/out' }), 'refused', 'leads out');
      expect(readFileSync(join(dataDir, 'secret'), 'utf8')).toBe('outside');
      expect(existsSync(join(dataDir, 'new'))).toBe(false);
    });

    test('a pipe is not read', async () => {
      execFileSync('mkfifo', [join(root, 'pipe')]);
      expect(await runner.stat(host, '/pipe')).toEqual({ kind: 'other', size: 0 });
      await expectRefusal(runner.readBlock(host, '/pipe', 0, 1), 'refused', 'not a file');
    });
  });

  describe('what a job sees', () => {
    test('runs in its folder and knows the root of its host', async () => {
      mkdirSync(join(root, 'srv/app'), { recursive: true });
      expect(await run('pwd; echo "$SLIPWAY_HOST_ROOT"', { cwd: '/srv/app' })).toBe(`${root}/srv/app\n${root}\n`);
    });

    test('sees nothing of the worker’s environment at all', async () => {
      process.env['WORKER_SECRET'] = 'do-not-tell';
      const seen = await run('env; cat /proc/$PPID/environ 2>/dev/null | tr "\\0" "\\n"');
      delete process.env['WORKER_SECRET'];
      const names = new Set(seen.split('\n').map((line) => line.split('=')[0]));
      expect(seen).not.toContain('do-not-tell');
      // The launcher's own, not the job's.
      names.delete('NODE_COMPILE_CACHE');
      names.delete('SLIPWAY_STEPS_DIR');
      for (const name of ['', 'PATH', 'LANG', 'HOME', 'USER', 'LOGNAME', 'PWD', 'SHLVL', '_', 'SLIPWAY_HOST_ROOT']) {
        names.delete(name);
      }
      expect([...names]).toEqual([]);
    });

    test('python runs too, and a script with every kind of quote arrives as it is', async () => {
      const content = 'import os\nprint("""it\'s "$HOME" `x` \\\\""", os.environ["A"])\n';
      const job = jobOf({ script: '', behaviour: () => undefined });
      await runner.start(host, { ...job, script: { language: 'python', content }, env: { A: 'b' } });
      await endOf(runner, host, job.id);
      expect(await said(runner, host, job.id)).toBe('it\'s "$HOME" `x` \\ b\n');
    });
  });

  test('a tight umask of the worker neither locks users out nor reaches the job', async () => {
    const before = process.umask(0o077);
    const tight = { ...host, name: 'tight' };
    try {
      await runner.prepare(tight);
      const job = jobOf({ script: 'umask', behaviour: () => undefined }, { user: 'nobody' });
      await runner.start(tight, job);
      expect(await endOf(runner, tight, job.id)).toMatchObject({ exitCode: 0 });
      expect(await said(runner, tight, job.id)).toBe('0022\n');
    } finally {
      process.umask(before);
    }
  });

  describe('users', () => {
    test('root runs a job as another user; other users cannot', async () => {
      const script = 'id -un; id -gn; echo "$HOME"; echo x >&2';
      if (!isRoot) return expectRefusal(start(script, { user: 'nobody' }), 'refused', 'is not root');
      const job = await start(script, { user: 'nobody' });
      expect(await endOf(runner, host, job.id)).toMatchObject({ exitCode: 0, notes: [] });
      const [name, group] = (await said(runner, host, job.id)).split('\n');
      expect([name, group]).toEqual(['nobody', expect.not.stringMatching('root') as string]);
    });

    test('a job may run as the worker’s own user', async () => {
      const job = await start('id -un', { user: userInfo().username, neverRoot: true });
      expect(await endOf(runner, host, job.id)).toMatchObject({ exitCode: 0 });
      expect(await said(runner, host, job.id)).toBe(`${userInfo().username}\n`);
    });
  });

  describe('ends', () => {
    test('a service that a job leaves behind, holding its streams, runs on and does not delay the end', async () => {
      const job = await start('sleep 600 & echo "pid=$!"; exit 4');
      expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 4 });
      const pid = await pidIn(job);
      await runner.kill(host, job.id, 100);
      expect(isAlive(pid)).toBe(true);
      process.kill(pid, 'SIGKILL');
    });

    test('a kill ends everybody in the group, even who ignores TERM', async () => {
      const job = await start('(trap "" TERM; sh -c \'echo "pid=$$"; exec sleep 600\') & wait');
      const pid = await pidIn(job);
      await runner.kill(host, job.id, 200);
      expect(isAlive(pid)).toBe(false);
      expect(await runner.state(host, job.id)).toMatchObject({ state: 'exited', exitCode: null, signal: 'SIGTERM' });
    });

    test('a job that catches TERM and exits with 0 still counts as killed', async () => {
      const job = await start('trap "echo bye; exit 0" TERM; echo "pid=$$"; while :; do sleep 0.05; done');
      await pidIn(job);
      await runner.kill(host, job.id, 5000);
      expect(await runner.state(host, job.id)).toMatchObject({ state: 'exited', exitCode: null, signal: 'SIGTERM' });
      expect(await said(runner, host, job.id)).toContain('bye');
    });

    test('a job killed by somebody else tells the signal', async () => {
      const job = await start('kill -9 $$');
      expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: null, signal: 'SIGKILL' });
    });

    test('a launcher killed with -9 leaves the job unknown, never run again, and killable', async () => {
      const job = await start('echo "pid=$$"; sleep 600');
      const pid = await pidIn(job);
      const launcher = JSON.parse(readFileSync(join(folderOf(job), 'started/launcher.json'), 'utf8')) as {
        pid: number;
      };
      process.kill(launcher.pid, 'SIGKILL');
      const state = await endOf(runner, host, job.id);
      expect(state).toMatchObject({ state: 'unknown', exitCode: null, signal: null });
      expect(state.notes.join()).toContain(`process ${pid} still runs`);
      await runner.start(host, job);
      expect(await said(runner, host, job.id)).toBe(`pid=${pid}\n`);
      await runner.kill(host, job.id, 2000);
      expect(isAlive(pid)).toBe(false);
      expect(await runner.state(host, job.id)).toMatchObject({ state: 'unknown' });
      await runner.forget(host, job.id);
    });

    test('another process with the launcher’s pid is not taken for it', async () => {
      const job = await start('true');
      await endOf(runner, host, job.id);
      rmSync(join(folderOf(job), 'result.json'));
      const mark = { pid: process.pid, start: 'another boot:1', notes: [] };
      writeFileSync(join(folderOf(job), 'started/launcher.json'), JSON.stringify(mark));
      expect(await runner.state(host, job.id)).toMatchObject({ state: 'unknown' });
    });

    test('a job that has yet to run keeps its environment where only its runner reads it', async () => {
      const value = `value-${unique()}`;
      const env = { SLIPWAY_VALUE: value, PATH: process.env.PATH ?? '' };
      const job = jobOf({ script: 'echo "$SLIPWAY_VALUE"', behaviour: () => undefined }, { env });
      const cannot = createLocalRunner({ dataDir, searchPath: '/nowhere' });
      await expectRefusal(cannot.start(host, job), 'unavailable', 'could not be started');
      expect(filesWith(folderOf(job), value)).toEqual(['job.json 600']);
      await runner.start(host, job);
      await endOf(runner, host, job.id);
      expect(await said(runner, host, job.id)).toBe(`${value}\n`);
      expect(filesWith(folderOf(job), value)).toEqual(['stdout 600']);
    });

    test('a start that died before its launcher ran is taken up by the next start', async () => {
      const job = await start('echo once');
      await endOf(runner, host, job.id);
      for (const name of ['started', 'result.json', 'process.json', 'stdout']) {
        rmSync(join(folderOf(job), name), { recursive: true });
      }
      const order = { language: 'bash', cwd: root, env: { PATH: process.env.PATH }, user: null };
      writeFileSync(join(folderOf(job), 'job.json'), JSON.stringify(order));
      expect(await runner.state(host, job.id)).toMatchObject({ state: 'absent' });
      await runner.start(host, job);
      await endOf(runner, host, job.id);
      expect(await said(runner, host, job.id)).toBe('once\n');
    });
  });

  test('a job survives kill -9 of the worker that started it, with all of its output', async () => {
    const job = jobOf({ script: 'echo before; read -r _ < go; echo after; exit 5', behaviour: () => undefined });
    execFileSync('mkfifo', [join(root, 'go')]);
    const worker = `
      import { createLocalRunner } from ${JSON.stringify(join(import.meta.dirname, '../../activities/providers/runner/local.ts'))};
      await createLocalRunner({ dataDir: ${JSON.stringify(dataDir)} }).start(${JSON.stringify(host)}, ${JSON.stringify(job)});
      process.kill(process.pid, 'SIGKILL');`;
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '-e', worker], { stdio: ['ignore', 'ignore', 'inherit'] }),
    ).toThrow('SIGKILL');
    expect(await runner.state(host, job.id)).toMatchObject({ state: 'running' });
    await eventually(async () => (await said(runner, host, job.id)) === 'before\n');
    writeFileSync(join(root, 'go'), 'go\n');
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 5 });
    expect(await said(runner, host, job.id)).toBe('before\nafter\n');
  });
});
