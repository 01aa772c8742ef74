import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../activities/providers/runner/driver.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { lives } from '../../activities/providers/runner/local-process.ts';
import type { ProcessMark } from '../../activities/providers/runner/local-process.ts';
import { flood, flooded } from '../support/providers/runner-scenarios.ts';
import { endOf, jobOf, said } from './runner.suite.ts';
import { eventually } from '../support/harness.ts';

const host = { name: 'web-1', runner: 'local' as const, address: null };
const isRoot = process.getuid?.() === 0;
const count = 'for ((i = 1; i <= 10000; i++)); do echo "line $i"; done';
const counted = Array.from({ length: 10_000 }, (_, i) => `line ${i + 1}\n`).join('');

describe('what a job of the local runner says', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-streams-'));
  const root = join(dataDir, 'hosts', host.name);
  const runner = createLocalRunner({ dataDir });
  const folderOf = (job: Job): string => join(root, '.slipway', 'jobs', job.id);

  beforeAll(async () => {
    chmodSync(dataDir, 0o711);
    await runner.prepare(host);
  });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  async function start(content: string, over: Partial<Job> = {}): Promise<Job> {
    const job = jobOf({ script: content, behaviour: () => undefined }, over);
    await runner.start(host, job);
    return job;
  }

  function markIn(job: Job, name: string): ProcessMark {
    return JSON.parse(readFileSync(join(folderOf(job), name), 'utf8')) as ProcessMark;
  }
  const leaderOf = (job: Job): ProcessMark => markIn(job, 'process.json');
  const launcherOf = (job: Job): ProcessMark => markIn(job, 'started/launcher.json');

  function readersOf(job: Job): ProcessMark[] {
    const { readers } = markIn(job, 'process.json') as ProcessMark & { readers: ProcessMark[] };
    expect(readers).toHaveLength(2);
    return readers;
  }

  async function untilReadersEnd(job: Job): Promise<void> {
    await eventually(async () => !readersOf(job).some(lives), { timeout: 60_000 });
  }

  async function untilThere(name: string): Promise<void> {
    await eventually(async () => existsSync(join(root, name)));
  }

  const bash = `echo 1; echo 2 > /dev/stdout; echo a >&2; echo b > /dev/stderr; sh -c 'echo c > /dev/stderr'; echo 3`;
  const python = `
import sys
print(1, flush=True)
print('a', file=sys.stderr, flush=True)
for path, text in (('/dev/stdout', '2'), ('/dev/stderr', 'b')):
    with open(path, 'w') as stream: print(text, file=stream)
with open('/dev/stderr', 'a') as stream: print('c', file=stream)
print(3)`;
  const users = isRoot ? [null, 'nobody'] : [null];

  test.each(
    users.flatMap((user) => [
      { language: 'bash' as const, content: bash, user },
      { language: 'python' as const, content: python, user },
    ]),
  )(
    'is kept when a $language script of the user $user writes to /dev/stdout and /dev/stderr',
    async ({ language, content, user }) => {
      const job = await start('', { script: { language, content }, user });
      expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 0, notes: [] });
      expect(await said(runner, host, job.id)).toBe('1\n2\n3\n');
      expect(await said(runner, host, job.id, 'stderr')).toBe('a\nb\nc\n');
    },
  );

  test('leaves no pipe and no reader behind', async () => {
    const job = await start('true');
    await endOf(runner, host, job.id);
    await untilReadersEnd(job);
    expect(readdirSync(folderOf(job)).filter((name) => /^std(out|err)\./.test(name))).toEqual([]);
  });

  test('is whole at the end though a service holds the streams', async () => {
    const job = await start(`sleep 600 & echo $! > holder; ${count}; exit 3`);
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 3 });
    expect(await said(runner, host, job.id)).toBe(counted);
    process.kill(Number(readFileSync(join(root, 'holder'), 'utf8')), 'SIGKILL');
    await untilReadersEnd(job);
  });

  test('is awaited before the end is told, however slow its reader is and though a service holds the streams', async () => {
    const job = await start('sleep 600 & echo $! > slow; until [ -e finish ]; do sleep 0.05; done; echo last');
    await untilThere('slow');
    const [stdout] = readersOf(job) as [ProcessMark, ProcessMark];
    process.kill(stdout.pid, 'SIGSTOP');
    writeFileSync(join(root, 'finish'), '');
    await eventually(async () => !lives(leaderOf(job)));
    // Another job's whole life is time enough for the end of this one to be told.
    await endOf(runner, host, (await start('true')).id);
    expect(await runner.state(host, job.id)).toMatchObject({ state: 'running' });
    process.kill(stdout.pid, 'SIGCONT');
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 0 });
    expect(await said(runner, host, job.id)).toBe('last\n');
    process.kill(Number(readFileSync(join(root, 'slow'), 'utf8')), 'SIGKILL');
  });

  test('is awaited by a kill too, though nobody is left to tell the end', async () => {
    const job = await start(`touch here; until [ -e talk ]; do sleep 0.05; done; echo last; touch talked; sleep 600`);
    await untilThere('here');
    const [stdout] = readersOf(job) as [ProcessMark, ProcessMark];
    process.kill(launcherOf(job).pid, 'SIGKILL');
    await eventually(async () => !lives(launcherOf(job)));
    process.kill(stdout.pid, 'SIGSTOP');
    writeFileSync(join(root, 'talk'), '');
    await untilThere('talked');
    const killed = runner.kill(host, job.id, 5000);
    await eventually(async () => !lives(leaderOf(job)));
    process.kill(stdout.pid, 'SIGCONT');
    await killed;
    expect(await said(runner, host, job.id)).toBe('last\n');
  });

  test('goes on when a service goes on, which is not disturbed by the end of the job', async () => {
    const service = 'until [ -e stop ]; do echo tick; sleep 0.01; done; echo bye; touch stopped';
    const job = await start(`(${service}) & echo up`);
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 0 });
    for (const { pid } of readersOf(job)) process.kill(pid, 'SIGTERM');
    const { length } = await said(runner, host, job.id);
    await eventually(async () => (await said(runner, host, job.id)).length > length + 100);
    writeFileSync(join(root, 'stop'), '');
    await untilThere('stopped');
    await untilReadersEnd(job);
    expect(await said(runner, host, job.id)).toMatch(/^(up\n|tick\n)+bye\n$/);
  });

  test('is whole after a kill with TERM', async () => {
    const job = await start(`${count}; touch counted; while :; do sleep 0.05; done`);
    await untilThere('counted');
    await runner.kill(host, job.id, 5000);
    expect(await said(runner, host, job.id)).toBe(counted);
  });

  test('is whole after a kill with KILL, the words said after TERM among it', async () => {
    const job = await start(`trap '${count}; touch deaf' TERM; touch ready; while :; do sleep 0.05; done`);
    await untilThere('ready');
    const killed = runner.kill(host, job.id, 3000);
    await untilThere('deaf');
    await killed;
    expect(await runner.state(host, job.id)).toMatchObject({ state: 'exited', signal: 'SIGKILL' });
    expect(await said(runner, host, job.id)).toBe(counted);
  });

  test('goes on after kill -9 of the launcher', async () => {
    const job = await start(`touch begun; until [ -e go ]; do sleep 0.05; done; ${count}`);
    await untilThere('begun');
    process.kill(launcherOf(job).pid, 'SIGKILL');
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'unknown' });
    writeFileSync(join(root, 'go'), '');
    await eventually(async () => (await said(runner, host, job.id)) === counted);
  });

  test('keeps its beginning and its end after kill -9 of the launcher in the middle', async () => {
    const outputLimitBytes = 2 ** 20;
    const job = await start(`${count}; touch middle; until [ -e flood ]; do sleep 0.05; done; ${flood.script}`, {
      outputLimitBytes,
    });
    await untilThere('middle');
    process.kill(launcherOf(job).pid, 'SIGKILL');
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'unknown' });
    writeFileSync(join(root, 'flood'), '');
    await untilReadersEnd(job);
    const all = counted + flooded;
    const head = await runner.output(host, job.id, 'stdout', 0, outputLimitBytes);
    expect([head.size, head.isCut]).toEqual([all.length, true]);
    expect(head.data.toString()).toBe(all.slice(0, head.data.length));
    const end = await runner.output(host, job.id, 'stdout', head.data.length, outputLimitBytes);
    expect(end.data.toString()).toBe(all.slice(end.offset));
    expect(head.data.length + end.data.length).toBeGreaterThan(0.95 * outputLimitBytes);
  });

  test('may go on though the job was forgotten: the service that says it does not stumble', async () => {
    const say = 'seq 1 100000';
    const service = `until [ -e forgotten ]; do sleep 0.05; done; ${say} && ${say} && touch survived`;
    const job = await start(`(${service}) & echo up`, { outputLimitBytes: 2 ** 16 });
    await endOf(runner, host, job.id);
    await runner.forget(host, job.id);
    writeFileSync(join(root, 'forgotten'), '');
    await untilThere('survived');
  });

  test('tells of its loss when its reader is killed', async () => {
    const job = await start('touch waiting; until [ -e proceed ]; do sleep 0.05; done; echo lost');
    await untilThere('waiting');
    const [stdout] = readersOf(job);
    process.kill(stdout?.pid ?? 0, 'SIGKILL');
    await eventually(async () => !(stdout && lives(stdout)));
    writeFileSync(join(root, 'proceed'), '');
    await endOf(runner, host, job.id);
    expect(await said(runner, host, job.id, 'stderr')).toContain('output of the step was lost, the reader of stdout');
  });
});
