import { addMachine, createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';
import type { CloudWorld } from '../../activities/providers/cloud/memory.ts';
import { refused, throttled, unavailable } from '../../activities/providers/error.ts';
import type { ProviderError } from '../../activities/providers/error.ts';
import { unique } from '../support/harness.ts';
import { cloudSuite, request } from './cloud.suite.ts';
import type { CloudHarness, Trouble } from './cloud.suite.ts';

const troubles: Record<Trouble, { when: 'failure' | 'failureAfter'; error: ProviderError }> = {
  refuse: { when: 'failure', error: refused('memory', 'no') },
  throttle: { when: 'failure', error: throttled('memory', 'too often', 50) },
  drop_before: { when: 'failure', error: unavailable('memory', 'no connection') },
  drop_after: { when: 'failureAfter', error: unavailable('memory', 'the connection broke') },
};

/** The next power call fails, later ones do not. */
function meet(world: CloudWorld, trouble: Trouble): void {
  const { when, error } = troubles[trouble];
  world[when] = (method) => {
    if (method !== 'power') return undefined;
    world[when] = null;
    return error;
  };
}

const harness = (world: CloudWorld): CloudHarness => ({
  driver: createMemoryCloud(world),
  another: () => createMemoryCloud(world),
  machine: async (state) => addMachine(world, { id: `m-${unique()}`, state }),
  nobody: { providerId: 'nobody', hostId: 0, name: 'nobody', place: null },
  begun: ({ providerId }) => world.begun.filter(({ id }) => id === providerId).map(({ action }) => action),
  meet: (trouble) => meet(world, trouble),
  lists: true,
  secrets: [],
  close: async () => undefined,
});

cloudSuite('memory', async () => harness({ ...createCloudWorld(), looks: 2, pageSize: 2 }));

cloudSuite('memory with jobs', async () => {
  const world = { ...createCloudWorld(), looks: 1, withJobs: true };
  const failJobs = (): void => {
    world.failJobs = true;
  };
  const inherited = harness(world);
  return {
    ...inherited,
    machine: (state) => {
      world.failJobs = false;
      return inherited.machine(state);
    },
    failJobs,
  };
});

test('a world counts its calls and how many are in flight', async () => {
  const world = createCloudWorld();
  const driver = createMemoryCloud(world);
  const machine = addMachine(world, { id: 'm-1' });
  await Promise.all([driver.find(machine), driver.find(machine), driver.power(machine, request('stop'))]);
  expect(world.calls).toEqual({ find: 2, power: 1 });
  expect(world.mostInFlight).toBe(3);
});
