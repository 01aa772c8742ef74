import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import type { Behaviour } from '../../activities/providers/runner/memory.ts';
import { unavailable } from '../../activities/providers/error.ts';
import { runnerOf } from '../../activities/providers/runner/registry.ts';
import { sweepSuite } from './runner-sweep.suite.ts';
import { expectRefusal, jobOf, runnerSuite } from './runner.suite.ts';
import type { RunnerHarness } from './runner.suite.ts';

const host = { name: 'web-1', runner: 'local' as const, address: null };

async function open(): Promise<RunnerHarness> {
  const behaviours = new Map<string, Behaviour>();
  const world = createMemoryWorld((control) => behaviours.get(control.job.id)?.(control));
  await createMemoryRunner(world).prepare(host);
  return {
    host,
    another: () => createMemoryRunner(world),
    teach: (jobId, { behaviour }) => void behaviours.set(jobId, behaviour),
    close: async () => undefined,
  };
}

runnerSuite('memory', open);
sweepSuite('memory', open);

describe('a memory world', () => {
  test('counts calls and runs, so that a test can see that nothing ran twice', async () => {
    const world = createMemoryWorld();
    const runner = createMemoryRunner(world);
    await runner.prepare(host);
    const job = jobOf({ script: '', behaviour: () => undefined });
    await runner.start(host, job);
    await runner.start(host, job);
    expect(world.calls).toMatchObject({ prepare: 1 });
    expect(world.runs.get(job.id)).toBe(1);
    expect(await runner.state(host, job.id)).toMatchObject({ state: 'exited', exitCode: 0 });
  });

  test('fails as told, and not for other hosts', async () => {
    const world = createMemoryWorld();
    const runner = createMemoryRunner(world);
    const other = { ...host, name: 'web-2' };
    await runner.prepare(host);
    await runner.prepare(other);
    world.failure = (method, name) =>
      method === 'ping' && name === 'web-1' ? unavailable('memory', 'away') : undefined;
    await expectRefusal(runner.ping(host), 'unavailable', 'away');
    await runner.ping(other);
    world.failure = null;
    await runner.ping(host);
  });
});

test('a host whose runner is not configured is refused by name', () => {
  const runners = { local: createMemoryRunner(createMemoryWorld()) };
  expect(runnerOf(runners, host)).toBe(runners.local);
  expect(() => runnerOf(runners, { ...host, runner: 'salt' })).toThrow('the runner "salt" of host web-1');
});
