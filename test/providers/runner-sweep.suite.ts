// What a runner promises of a sweep: nothing goes that might be started or asked for again.
import type { Job } from '../../activities/providers/runner/driver.ts';
import { unique } from '../support/harness.ts';
import { fail, hang, hello } from '../support/providers/runner-scenarios.ts';
import type { RunnerScenario } from '../support/providers/runner-scenarios.ts';
import { endOf, expectRefusal, jobOf } from './runner.suite.ts';
import type { RunnerHarness } from './runner.suite.ts';

/** As `runnerSuite`. */
export function sweepSuite(name: string, open: () => Promise<RunnerHarness>): void {
  describe(`a sweep of ${name}`, () => {
    let harness: RunnerHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(() => harness.close());

    async function start(scenario: RunnerScenario, task: number): Promise<Job> {
      const job = jobOf(scenario, { id: `t${task}-p0-start-${unique()}` });
      harness.teach(job.id, scenario);
      await harness.another().start(harness.host, job);
      return job;
    }

    test('drops what ended tasks left; what runs, and what is of other or later tasks, stays', async () => {
      const { host } = harness;
      const runner = harness.another();
      const over = [await start(hello, 3), await start(fail, 3), await start(hello, 18)];
      const kept = [await start(hello, 7), await start(hello, 20), await start(hello, 117)];
      const unnumbered = jobOf(hello);
      harness.teach(unnumbered.id, hello);
      await runner.start(host, unnumbered);
      for (const job of [...over, ...kept, unnumbered]) await endOf(runner, host, job.id);
      const runs = await start(hang, 4);
      const barred = `t5-p0-start-${unique()}`;
      await runner.kill(host, barred, 10);
      const ended = { below: 20, except: [6, 7] };
      const other = harness.another();
      expect(await other.sweep(host, ended)).toEqual({ dropped: over.length + 1, more: false });
      const stateOf = async (id: string) => (await runner.state(host, id)).state;
      for (const id of [...over.map((job) => job.id), barred]) expect(await stateOf(id)).toBe('absent');
      for (const { id } of [...kept, unnumbered]) expect(await stateOf(id)).toBe('exited');
      expect(await stateOf(runs.id)).toBe('running');
      expect(await other.sweep(host, ended)).toEqual({ dropped: 0, more: false });
      await runner.kill(host, runs.id, 2000);
      expect(await runner.sweep(host, ended)).toEqual({ dropped: 1, more: false });
    });

    test('is an error on a host that does not answer', async () => {
      const gone = harness.gone ?? { ...harness.host, name: 'no-such-host' };
      await expectRefusal(harness.another().sweep(gone, { below: 1, except: [] }), 'unavailable');
    });
  });
}
