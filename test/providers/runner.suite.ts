// What every runner promises, whatever is behind it. A driver's test brings a harness; scripts are bash for the real ones,
// and the same thing as a behaviour for those that run nothing.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProviderError } from '../../activities/providers/error.ts';
import type { Job, JobState, JobView, Runner, RunnerHost } from '../../activities/providers/runner/driver.ts';
import { eventually, unique } from '../support/harness.ts';
import { outputSuite } from './runner-output.suite.ts';
import { awkward, fail, hang, hello, manyLines, sayVariable, talk } from '../support/providers/runner-scenarios.ts';
import type { RunnerScenario } from '../support/providers/runner-scenarios.ts';

export interface RunnerHarness {
  host: RunnerHost;
  /** Below it, in a folder of its own, the suite makes its files. */
  folder?: string;
  /** A host that does not answer; without it, one of another name. */
  gone?: RunnerHost;
  /** Another driver over the same hosts, as another worker has it. */
  another(): Runner;
  /** Makes the next job with this id do what the scenario says. */
  teach(jobId: string, scenario: RunnerScenario): void;
  close(): Promise<void>;
}

let made = 0;
/** Files of a run may share a host. */
const file = unique();

/** A job that runs in the host's root. */
export function jobOf(scenario: RunnerScenario, over: Partial<Job> = {}): Job {
  const script = { language: 'bash' as const, content: scenario.script };
  return { id: `suite~${file}~${(made += 1)}`, script, cwd: '/', env: {}, user: null, ...over };
}

/** Waits for the end of a job. */
export async function endOf(runner: Runner, host: RunnerHost, jobId: string): Promise<JobState> {
  return eventually(
    async () => {
      const state = await runner.state(host, jobId);
      return state.state !== 'running' && state;
    },
    { timeout: 60_000 },
  );
}

/** Everything that a job has said on a stream. */
export async function said(runner: Runner, host: RunnerHost, jobId: string, stream: 'stdout' | 'stderr' = 'stdout') {
  return (await runner.output(host, jobId, stream, 0, 1 << 20)).data.toString();
}

/** Expects a ProviderError of this kind. */
export async function expectRefusal(work: Promise<unknown>, kind: 'refused' | 'unavailable', text = ''): Promise<void> {
  const error: unknown = await work.then(() => null).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ProviderError);
  expect(error).toMatchObject({ kind, message: expect.stringContaining(text) });
}

/** Runs the conformance suite; `open` gives a harness whose host is prepared. */
export function runnerSuite(name: string, open: () => Promise<RunnerHarness>): void {
  describe(`the ${name} runner`, () => {
    let harness: RunnerHarness;
    let runner: Runner;
    let host: RunnerHost;
    let folder: string;

    beforeAll(async () => {
      harness = await open();
      runner = harness.another();
      host = harness.host;
      folder = mkdtempSync(join(tmpdir(), 'slipway-runner-'));
    });
    afterAll(async () => {
      await harness.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function start(scenario: RunnerScenario, over: Partial<Job> = {}): Promise<Job> {
      const job = jobOf(scenario, over);
      harness.teach(job.id, scenario);
      await runner.start(host, job);
      return job;
    }

    function at(path: string): string {
      return `${harness.folder ?? ''}${path}`;
    }

    function source(content: string): { file: string; sha256: string } {
      const file = join(folder, `source-${(made += 1)}`);
      writeFileSync(file, content);
      return { file, sha256: createHash('sha256').update(content).digest('hex') };
    }

    describe('jobs', () => {
      test('a job that was never started is absent', async () => {
        expect(await runner.state(host, 'never')).toEqual({ state: 'absent', exitCode: null, signal: null, notes: [] });
      });

      test('both streams and the exit code are kept apart', async () => {
        const job = await start(hello);
        expect(await endOf(runner, host, job.id)).toEqual({ state: 'exited', exitCode: 0, signal: null, notes: [] });
        expect(await said(runner, host, job.id)).toBe('one\ntwo\n');
        expect(await said(runner, host, job.id, 'stderr')).toBe('oops\n');
      });

      test('an exit code other than 0 is told as it is', async () => {
        const job = await start(fail);
        expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 7, signal: null });
      });

      test('a job is never absent once its start has resolved', async () => {
        const job = await start(hang);
        expect(await runner.state(host, job.id)).toMatchObject({ state: 'running', exitCode: null });
        await runner.kill(host, job.id, 2000);
      });

      test('twenty starts of one id at once, by two workers, run it once', async () => {
        const job = jobOf(hello);
        harness.teach(job.id, hello);
        const other = harness.another();
        await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? runner : other).start(host, job)));
        await endOf(runner, host, job.id);
        await runner.start(host, job);
        expect(await said(runner, host, job.id)).toBe('one\ntwo\n');
      });

      test('output is read from any byte on, and there is nothing past its end', async () => {
        const job = await start(hello);
        await endOf(runner, host, job.id);
        const block = (text: string, offset: number) => ({ data: Buffer.from(text), size: 8, offset, isCut: false });
        expect(await runner.output(host, job.id, 'stdout', 2, 3)).toEqual(block('e\nt', 2));
        expect(await runner.output(host, job.id, 'stdout', 8, 10)).toEqual(block('', 8));
        expect(await runner.output(host, job.id, 'stdout', 99, 10)).toEqual(block('', 99));
      });

      outputSuite(() => ({ runner, host, start, endOf, said }));

      test('10,000 lines written right before the end are all there as soon as the end is known', async () => {
        const job = await start(talk);
        await endOf(runner, host, job.id);
        expect(await said(runner, host, job.id)).toBe(manyLines);
        expect(await said(runner, host, job.id, 'stderr')).toBe(manyLines);
      });

      test('output is there while the job runs', async () => {
        const job = await start(hang);
        await eventually(async () => (await said(runner, host, job.id)) === 'up\n');
        await runner.kill(host, job.id, 2000);
      });

      test('by run and look a job is started once, and all that it said comes in pieces that fit together', async () => {
        const job = jobOf(talk);
        harness.teach(job.id, talk);
        const heard = { stdout: '', stderr: '' };
        const from = { stdout: 0, stderr: 0 };
        const take = (view: JobView): boolean => {
          for (const stream of ['stdout', 'stderr'] as const) {
            heard[stream] += view[stream].data.toString();
            from[stream] += view[stream].data.length;
          }
          return view.state === 'exited' && from.stdout >= view.stdout.size && from.stderr >= view.stderr.size;
        };
        if (!take(await runner.run(host, job, from)))
          await eventually(async () => take(await harness.another().look(host, job.id, from)), { timeout: 30_000 });
        expect(heard).toEqual({ stdout: manyLines, stderr: manyLines });
        const again = await runner.run(host, job, { stdout: manyLines.length - 4, stderr: manyLines.length });
        expect(again).toMatchObject({ state: 'exited', exitCode: 0, signal: null });
        expect([again.stdout, again.stderr].map(({ data, size }) => [data.toString(), size])).toEqual([
          ['000\n', manyLines.length],
          ['', manyLines.length],
        ]);
      });

      test('a look shows a job that runs with what it has said, and one that never was as absent', async () => {
        const job = await start(hang);
        const from = { stdout: 0, stderr: 0 };
        const view = await eventually(async () => {
          const found = await runner.look(host, job.id, from);
          return found.stdout.size > 0 && found;
        });
        expect(view).toMatchObject({ state: 'running', exitCode: null });
        expect(view.stdout).toEqual({ data: Buffer.from('up\n'), size: 3, offset: 0, isCut: false });
        await runner.kill(host, job.id, 2000);
        expect(await runner.look(host, job.id, from)).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
        const nothing = { data: Buffer.alloc(0), size: 0, offset: 0, isCut: false };
        expect(await runner.look(host, 'never', from)).toMatchObject({
          state: 'absent',
          stdout: nothing,
          stderr: nothing,
        });
      });

      test('another worker finds the running job and its output, and may end it', async () => {
        const job = await start(hang);
        const other = harness.another();
        expect(await other.state(host, job.id)).toMatchObject({ state: 'running' });
        await eventually(async () => (await said(other, host, job.id)) === 'up\n');
        await other.kill(host, job.id, 2000);
        expect(await runner.state(host, job.id)).toMatchObject({ state: 'exited', exitCode: null, signal: 'SIGTERM' });
      });

      test('a kill is harmless the second time and after the end', async () => {
        const job = await start(hang);
        await runner.kill(host, job.id, 2000);
        await runner.kill(host, job.id, 2000);
        expect(await runner.state(host, job.id)).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
        const ended = await start(fail);
        await endOf(runner, host, ended.id);
        await runner.kill(host, ended.id, 2000);
        expect(await runner.state(host, ended.id)).toMatchObject({ exitCode: 7, signal: null });
      });

      test('a job that is killed before it is started never runs, whoever starts it then', async () => {
        const job = jobOf(hello);
        harness.teach(job.id, hello);
        const killed = { state: 'exited', exitCode: null, signal: 'SIGTERM', notes: [] };
        await Promise.all([runner.kill(host, job.id, 10), harness.another().kill(host, job.id, 10)]);
        expect(await runner.state(host, job.id)).toEqual(killed);
        await harness.another().start(host, job);
        expect(await runner.run(host, job, { stdout: 0, stderr: 0 })).toMatchObject({
          ...killed,
          stdout: { size: 0 },
          stderr: { size: 0 },
        });
        await runner.forget(host, job.id);
        expect(await runner.state(host, job.id)).toMatchObject({ state: 'absent' });
      });

      test('a start and a kill at once: the job is over afterwards, killed or by itself', async () => {
        for (let round = 0; round < 5; round += 1) {
          const job = jobOf(hang);
          harness.teach(job.id, hang);
          const [, killed] = await Promise.allSettled([
            runner.start(host, job),
            harness.another().kill(host, job.id, 2000),
          ]);
          expect(killed).toMatchObject({ status: 'fulfilled' });
          const signal = expect.stringMatching(/^SIG(TERM|KILL)$/);
          expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: null, signal });
        }
      });

      test('a value of the environment arrives as it is, whatever is in it', async () => {
        const job = await start(sayVariable, { env: { AWKWARD: awkward } });
        await endOf(runner, host, job.id);
        expect(await said(runner, host, job.id)).toBe(awkward);
      });

      test('a forgotten job is absent, a running one is not forgotten', async () => {
        const job = await start(hang);
        await expectRefusal(runner.forget(host, job.id), 'refused');
        await runner.kill(host, job.id, 2000);
        await runner.forget(host, job.id);
        await runner.forget(host, job.id);
        expect(await runner.state(host, job.id)).toMatchObject({ state: 'absent' });
        await expectRefusal(runner.output(host, job.id, 'stdout', 0, 1), 'refused');
      });

      test.each(['../x', 'a/b', '', '.', '..', 'a\nb', 'x'.repeat(300)])('the job id %j is refused', async (id) => {
        await expectRefusal(runner.start(host, jobOf(hello, { id })), 'refused');
        await expectRefusal(runner.state(host, id), 'refused');
      });

      test.each([{ 'A B': 'x' }, { '': 'x' }, { A: 'secret-value\0' }])(
        'the environment %j is refused',
        async (env) => {
          const error: unknown = await runner.start(host, jobOf(hello, { env })).catch((caught: unknown) => caught);
          expect(error).toMatchObject({ kind: 'refused' });
          expect(String(error)).not.toContain('secret-value');
        },
      );

      test('where a job may run in one of two folders, the host chooses as it gets the job', async () => {
        const { file: text, sha256 } = source('text');
        await runner.putFile(host, at('/chosen/there/file'), text, { sha256 });
        const otherwise = at('/chosen/there');
        const choice = { when: at('/chosen/there'), then: at('/no/such/folder'), otherwise };
        const refusedOne = jobOf(hello, { cwd: choice });
        harness.teach(refusedOne.id, hello);
        await expectRefusal(runner.start(host, refusedOne), 'refused', '/no/such/folder');
        const job = await start(hello, { cwd: { ...choice, when: at('/chosen/missing') } });
        expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 0 });
      });

      test('a job whose folder does not exist is refused and not started', async () => {
        const job = jobOf(hello, { cwd: '/no/such/folder' });
        await expectRefusal(runner.start(host, job), 'refused', '/no/such/folder');
        expect(await runner.state(host, job.id)).toMatchObject({ state: 'absent' });
      });
    });

    describe('files', () => {
      test.each(['/plain.txt', '/deep/er/file', '/with space/"q" $(x)\n\u00e9'])(
        '%j: put, seen, read',
        async (name) => {
          const path = at(name);
          const { file, sha256 } = source('0123456789');
          await runner.putFile(host, path, file, { sha256 });
          expect(await runner.stat(host, path)).toEqual({ kind: 'file', size: 10 });
          expect(await runner.readBlock(host, path, 4, 3)).toEqual({ data: Buffer.from('456'), size: 10 });
          expect(await runner.readBlock(host, path, 8, 100)).toEqual({ data: Buffer.from('89'), size: 10 });
          expect(await runner.readBlock(host, path, 10, 5)).toEqual({ data: Buffer.alloc(0), size: 10 });
          expect(await runner.readBlock(host, path, 50, 5)).toEqual({ data: Buffer.alloc(0), size: 10 });
        },
      );

      test('a file is put again without harm, and replaced by another one', async () => {
        const first = source('first');
        await runner.putFile(host, at('/again'), first.file, { sha256: first.sha256 });
        await runner.putFile(host, at('/again'), first.file, { sha256: first.sha256 });
        const second = source('second');
        await runner.putFile(host, at('/again'), second.file, { sha256: second.sha256, mode: 0o755 });
        expect((await runner.readBlock(host, at('/again'), 0, 99)).data.toString()).toBe('second');
        expect((await runner.list(host, at('/'))).find((entry) => entry.name === 'again')).toMatchObject({
          mode: 0o755,
        });
      });

      test('a file with another checksum is refused and what was there stays', async () => {
        const good = source('good');
        await runner.putFile(host, at('/checked/file'), good.file, { sha256: good.sha256 });
        const bad = source('bad');
        await expectRefusal(
          runner.putFile(host, at('/checked/file'), bad.file, { sha256: good.sha256.replace(/^../, 'zz') }),
          'refused',
          'checksum',
        );
        expect((await runner.list(host, at('/checked'))).map((entry) => entry.name)).toEqual(['file']);
        expect((await runner.readBlock(host, at('/checked/file'), 0, 99)).data.toString()).toBe('good');
      });

      test('a file that is no longer wanted is not placed, and leaves no trace', async () => {
        const [wish, { file, sha256 }] = [new AbortController(), source('x'.repeat(2 ** 20))];
        const options = { sha256, signal: wish.signal };
        const begun = runner.putFile(host, at('/unwanted/begun'), file, options);
        wish.abort();
        const never = runner.putFile(host, at('/unwanted/never'), file, options);
        for (const work of [begun, never]) await expectRefusal(work, 'unavailable', 'given up');
        await runner.putFile(host, at('/unwanted/wanted'), file, { sha256 });
        expect((await runner.list(host, at('/unwanted'))).map((entry) => entry.name)).toEqual(['wanted']);
      });

      test('folders are listed by name, and nothing is there where nothing was put', async () => {
        const { file, sha256 } = source('x');
        for (const name of ['b', 'a', 'c/d']) await runner.putFile(host, at(`/listed/${name}`), file, { sha256 });
        const entries = await runner.list(host, at('/listed'));
        expect(entries.map(({ name, kind, size }) => [name, kind, size])).toEqual([
          ['a', 'file', 1],
          ['b', 'file', 1],
          ['c', 'directory', 0],
        ]);
        expect(await runner.stat(host, at('/listed'))).toEqual({ kind: 'directory', size: 0 });
        expect(await runner.stat(host, at('/listed/none'))).toEqual({ kind: 'absent', size: 0 });
        expect(await runner.stat(host, at('/listed/a/below-a-file'))).toEqual({ kind: 'absent', size: 0 });
        expect(await runner.realPaths(host, [at('/listed'), at('/listed//a'), at('/listed/none'), '/'])).toEqual([
          { kind: 'path', path: at('/listed') },
          { kind: 'path', path: at('/listed/a') },
          { kind: 'absent' },
          { kind: 'path', path: '/' },
        ]);
        await expectRefusal(runner.list(host, at('/listed/none')), 'refused');
        await expectRefusal(runner.readBlock(host, at('/listed/none'), 0, 1), 'refused');
        await expectRefusal(runner.readBlock(host, at('/listed'), 0, 1), 'refused');
        await expectRefusal(runner.putFile(host, at('/listed'), file, { sha256 }), 'refused');
      });

      test.each(['relative', '/a/../b', '/..', '/a\0b'])('the path %j is refused', async (path) => {
        const { file, sha256 } = source('x');
        expect(() => runner.path(host, path)).toThrow(ProviderError);
        await expectRefusal(runner.stat(host, path), 'refused');
        await expectRefusal(runner.readBlock(host, path, 0, 1), 'refused');
        await expectRefusal(runner.list(host, path), 'refused');
        await expectRefusal(runner.putFile(host, path, file, { sha256 }), 'refused');
        await expectRefusal(runner.start(host, jobOf(hello, { cwd: path })), 'refused');
      });
    });

    describe('hosts', () => {
      test('a host that is prepared answers, and may be prepared again', async () => {
        await runner.prepare(host);
        await runner.ping(host);
      });

      test('a host that does not exist is unavailable for every method', async () => {
        const gone = harness.gone ?? { ...host, name: 'no-such-host' };
        await expectRefusal(runner.ping(gone), 'unavailable', 'no-such-host');
        await expectRefusal(runner.start(gone, jobOf(hello)), 'unavailable');
        await expectRefusal(runner.state(gone, 'never'), 'unavailable');
        await expectRefusal(runner.stat(gone, '/'), 'unavailable');
      });

      test.each(['..', '.', '', 'a/b', '../web-1', '-a', 'a b', 'a..b'])('the host name %j is refused', async (bad) => {
        await expectRefusal(runner.ping({ ...host, name: bad }), 'refused');
        await expectRefusal(runner.prepare({ ...host, name: bad }), 'refused');
      });
    });
  });
}
