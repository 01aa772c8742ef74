// What a runner promises of the values in a job's environment, where the host is this machine: nobody else on it reads them.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { eventually, unique } from '../support/harness.ts';
import { hang } from '../support/providers/runner-scenarios.ts';
import { endOf, expectRefusal, jobOf, said } from './runner.suite.ts';
import type { RunnerHarness } from './runner.suite.ts';

/** What is in a file; nothing where it is gone. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Commands of this machine in which one of these texts is, as everybody sees them. */
export const commandsNaming = (...texts: string[]): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => contentOf(`/proc/${pid}/cmdline`).split('\0').join(' ').trim())
    .filter((command) => texts.some((text) => command.includes(text)));

/** Processes of this machine that have a text in their environment, which only their user sees. */
export const told = (text: string): string[] =>
  readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && contentOf(`/proc/${pid}/environ`).includes(text));

/** Names and permission bits of the files below a folder in which a text is. */
export const filesWith = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => lstatSync(file).isFile() && readFileSync(file, 'utf8').includes(text))
    .map((file) => `${basename(file)} ${(lstatSync(file).mode & 0o777).toString(8)}`);

export interface WithFolders extends RunnerHarness {
  /** Where the host keeps a job. */
  folderOf(jobId: string): string;
}

/** What runners promise of users, where the host is this machine. */
function usersSuite(name: string, open: () => Promise<WithFolders>): void {
  const isRoot = process.getuid?.() === 0;
  const other = `slipway-${unique()}`.slice(0, 30);
  beforeAll(() => {
    // Root by another name, which only root can make.
    if (isRoot)
      execFileSync('useradd', ['--no-create-home', '--non-unique', '--uid', '0', '--gid', '0', other], {
        stdio: 'ignore',
      });
  });
  afterAll(() => {
    if (isRoot) execFileSync('sed', ['-i', `/^${other}:/d`, '/etc/passwd', '/etc/shadow']);
  });

  test.each([
    ['is not there', 'no-such-user', 'there is no user no-such-user'],
    ['is a number', '0', 'there is no user 0'],
    ['is an option', '-x', 'there is no user -x'],
    ['is no name', '$(id)', 'there is no user $(id)'],
    ['is root by another name', other, isRoot ? `${other} is root` : `there is no user ${other}`],
  ])(`no job runs on a host of ${name} for a user that %s`, async (_what, user, message) => {
    const harness = await open();
    const runner = harness.another();
    const job = jobOf({ script: 'id', behaviour: () => undefined }, { user, neverRoot: true });
    await expectRefusal(runner.start(harness.host, job), 'refused', message);
    expect(await runner.state(harness.host, job.id)).toMatchObject({ state: 'absent' });
    await harness.close();
  });

  test(`a job on a host of ${name} gets no further by a link than its user does`, async () => {
    const harness = await open();
    const runner = harness.another();
    const user = isRoot ? 'nobody' : userInfo().username;
    const inRoot = (path: string): string => runner.path(harness.host, `${harness.folder ?? ''}${path}`);
    mkdirSync(inRoot('/closed/open'), { recursive: true });
    chmodSync(inRoot('/closed'), isRoot ? 0o700 : 0o000);
    symlinkSync('closed/open', inRoot('/led'));
    const cwd = `${harness.folder ?? ''}/led`;
    const job = jobOf({ script: 'pwd', behaviour: () => undefined }, { user, cwd });
    if (isRoot) {
      await runner.start(harness.host, job);
      expect(await endOf(runner, harness.host, job.id)).toMatchObject({ exitCode: 127 });
    } else await expectRefusal(runner.start(harness.host, job), 'refused');
    chmodSync(inRoot('/closed'), 0o700);
    await harness.close();
  });
}

/** As `runnerSuite`, for runners whose hosts are this machine. */
export function valuesSuite(name: string, open: () => Promise<WithFolders>): void {
  usersSuite(name, open);

  test(`a value of the environment is in no argument on a host of ${name}, and in no file once its job runs`, async () => {
    const harness = await open();
    const { host } = harness;
    const runner = harness.another();
    const value = `value-${unique()}`;
    const job = jobOf(hang, { env: { SLIPWAY_VALUE: value } });
    const kept = harness.folderOf(job.id);
    try {
      await runner.start(host, job);
      await eventually(async () => (await said(runner, host, job.id)) === 'up\n');
      const commands = commandsNaming(value, kept);
      expect(commands).toContain(`bash ${kept}/script`);
      expect(commands.filter((command) => /value-|SLIPWAY_/.test(command))).toEqual([]);
      expect(told(value)).not.toEqual([]);
      expect(filesWith(kept, value)).toEqual([]);
    } finally {
      await runner.kill(host, job.id, 2000);
      await harness.close();
    }
  });

  test(`what a job and the service that it leaves behind say never takes more of a host of ${name} than the limit`, async () => {
    const harness = await open();
    const { host } = harness;
    const runner = harness.another();
    const [outputLimitBytes, stop] = [2 ** 20, join(tmpdir(), unique())];
    const lines = 'seq -f "%099.0f" 1 3000';
    const script = `(until [ -e "$STOP" ]; do ${lines}; ${lines} >&2; done) & exit 0`;
    const job = jobOf({ script, behaviour: () => undefined }, { env: { STOP: stop }, outputLimitBytes });
    const kept = harness.folderOf(job.id);
    const sizesOf = async (): Promise<number[]> =>
      Promise.all(
        (['stdout', 'stderr'] as const).map(async (stream) => (await runner.output(host, job.id, stream, 0, 1)).size),
      );
    const most = (): number =>
      readdirSync(kept)
        .filter((file) => file.startsWith('std'))
        .reduce((sum, file) => sum + (lstatSync(join(kept, file), { throwIfNoEntry: false })?.size ?? 0), 0);
    let seen = 0;
    try {
      await runner.start(host, job);
      await eventually(
        async () => {
          seen = Math.max(seen, most());
          return (await sizesOf()).every((size) => size > 3 * outputLimitBytes);
        },
        { timeout: 60_000 },
      );
    } finally {
      writeFileSync(stop, '');
    }
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 0 });
    await eventually(async () => {
      const before = await sizesOf();
      return before.every((size) => size % 300_000 === 0) && before.join() === (await sizesOf()).join();
    });
    expect(Math.max(seen, most())).toBeLessThanOrEqual(outputLimitBytes);
    expect(most()).toBeGreaterThan(0.9 * outputLimitBytes);
    for (const stream of ['stdout', 'stderr'] as const) {
      const { size } = await runner.output(host, job.id, stream, 0, 1);
      const { data } = await runner.output(host, job.id, stream, size - 200, 200);
      expect(data.toString()).toBe(`${'2999'.padStart(99, '0')}\n${'3000'.padStart(99, '0')}\n`);
    }
    rmSync(stop);
    await harness.close();
  });
}
