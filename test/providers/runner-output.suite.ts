// What a runner promises of output beyond its limit, of first lines of scripts, and of what Python prints.
import type { Job, JobState, Runner, RunnerHost } from '../../activities/providers/runner/driver.ts';
import { eventually } from '../support/harness.ts';
import { firstLines, flood, flooded, hang, pythons, reopen } from '../support/providers/runner-scenarios.ts';
import type { RunnerScenario } from '../support/providers/runner-scenarios.ts';

interface Subject {
  runner: Runner;
  host: RunnerHost;
  start(scenario: RunnerScenario, over?: Partial<Job>): Promise<Job>;
  endOf(runner: Runner, host: RunnerHost, jobId: string): Promise<JobState>;
  said(runner: Runner, host: RunnerHost, jobId: string, stream?: 'stdout' | 'stderr'): Promise<string>;
}

/** A part of `runnerSuite`. */
export function outputSuite(of: () => Subject): void {
  test('of output beyond the limit the beginning and the end are kept where they were said, whatever was said meanwhile', async () => {
    const { runner, host, start, endOf, said } = of();
    const outputLimitBytes = 2 ** 20;
    const job = await start(flood, { outputLimitBytes });
    expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: 3 });
    const kept: { from: number; to: number; isCut: boolean }[] = [];
    for (let at = 0; at < flooded.length;) {
      const { data, size, offset, isCut } = await runner.output(host, job.id, 'stdout', at, 100_000);
      expect(size).toBe(flooded.length);
      expect(data.toString()).toBe(flooded.slice(offset, offset + data.length));
      kept.push({ from: offset, to: offset + data.length, isCut });
      at = offset + data.length;
    }
    const gap = kept.findIndex(({ from }, index) => from !== (kept[index - 1]?.to ?? 0));
    expect(kept.map(({ isCut }) => isCut)).toEqual(kept.map((_, index) => index === gap - 1));
    const [head, end] = [kept[gap - 1]?.to ?? 0, flooded.length - (kept[gap]?.from ?? 0)];
    expect(head).toBeGreaterThan(0.45 * outputLimitBytes);
    expect(head).toBeLessThanOrEqual(0.5 * outputLimitBytes);
    expect(end).toBeGreaterThan(0.45 * outputLimitBytes);
    expect(head + end).toBeLessThanOrEqual(outputLimitBytes);
    expect(await said(runner, host, job.id, 'stderr')).toBe('first\nlast\n');
  });

  test.each(firstLines)(
    'a $language script is run as its first line says, and by its language where that names another: $content',
    async ({ language, content, says, code }) => {
      const { runner, host, start, endOf, said } = of();
      const behaviour: RunnerScenario['behaviour'] = ({ stdout, exit }) => {
        stdout(says);
        exit(code);
      };
      const job = await start({ script: '', behaviour }, { script: { language, content } });
      expect(await endOf(runner, host, job.id)).toMatchObject({ state: 'exited', exitCode: code });
      expect(await said(runner, host, job.id)).toBe(says);
    },
  );

  test.each(pythons)('what python prints is there before it ends, and after a kill: %j', async (content) => {
    const { runner, host, start, said } = of();
    const job = await start(hang, { script: { language: 'python', content } });
    await eventually(async () => (await said(runner, host, job.id)) === 'up\n', { timeout: 15_000 });
    await runner.kill(host, job.id, 2000);
    expect(await said(runner, host, job.id)).toBe('up\n');
  });

  test('a script that opens its streams again adds to them and loses no line', async () => {
    const { runner, host, start, endOf, said } = of();
    const job = await start(reopen);
    await endOf(runner, host, job.id);
    expect(await said(runner, host, job.id)).toBe('1\n2\n3\n');
    expect(await said(runner, host, job.id, 'stderr')).toBe('a\nb\nc\n');
  });
}
