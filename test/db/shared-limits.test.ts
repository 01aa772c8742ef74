import pg from 'pg';
import { createSlots } from '../../db/coordination/concurrency-slots.ts';
import type { Slots } from '../../db/coordination/concurrency-slots.ts';
import { createTurns } from '../../db/coordination/rate-pacer.ts';
import { addMachine, createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';
import { gatedClouds } from '../../activities/providers/cloud/call-limiter.ts';
import { ProviderError } from '../../activities/providers/error.ts';
import { eventually, testDatabase, unique } from '../support/harness.ts';
import type { TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
const opened: Slots[] = [];
const slotsOf = (): Slots => {
  const slots = createSlots(database.url);
  opened.push(slots);
  return slots;
};
beforeAll(async () => {
  database = await testDatabase();
});
afterEach(() => Promise.all(opened.splice(0).map((slots) => slots.close())));
afterAll(() => database.close());

describe('slots that processes share', () => {
  test('are each held by one process at a time, until they are given back', async () => {
    const [a, b] = [slotsOf(), slotsOf()];
    const [some, others] = await Promise.all([a.take('cloud', 5, 4), b.take('cloud', 5, 4)]);
    const numbers = [...some, ...others].map(({ number }) => number).sort();
    expect(numbers).toEqual([1, 2, 3, 4, 5]);
    expect(await a.take('cloud', 5, 1)).toEqual([]);
    expect(await a.take('other cloud', 5, 5)).toHaveLength(5);
    const [first] = some;
    if (first) await a.giveBack(first);
    expect(await b.take('cloud', 5, 3)).toEqual([first]);
  });

  test('are free as soon as their process dies, and a process that lost its connection is notified', async () => {
    const [a, b] = [slotsOf(), slotsOf()];
    const [slot] = await a.take('cloud', 1, 1);
    expect(await b.take('cloud', 1, 1)).toEqual([]);
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    await admin.query(`select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and application_name = 'slipway-slots' and datname = current_database()`);
    await admin.end();
    await eventually(() => slot !== undefined && !a.holds(slot), { timeout: 10_000 });
    await eventually(async () => (await b.take('cloud', 1, 1)).length === 1, { timeout: 10_000 });
    expect(await a.take('cloud', 1, 1)).toEqual([]);
  });
});

test('two workers have at most fifty calls in flight at a provider together, and both get their share', async () => {
  const world = createCloudWorld();
  const calls = 400;
  const ids = Array.from({ length: calls }, () => unique());
  for (const id of ids) addMachine(world, { id });
  let open: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (open = resolve));
  world.delay = () => held;
  const workers = [1, 2].map(() => gatedClouds({ TECENT_CVM: createMemoryCloud(world) }, 50, slotsOf()));
  const done = [0, 0];
  const find = async (worker: number, id: string): Promise<void> => {
    for (;;)
      try {
        await workers[worker]?.TECENT_CVM?.find({ providerId: id, hostId: 1, name: id, place: null });
        done[worker] = (done[worker] ?? 0) + 1;
        return;
      } catch (error) {
        if (!(error instanceof ProviderError) || error.retryAfterMs === null) throw error;
      }
  };
  const all = Promise.all([0, 1].flatMap((worker) => ids.map((id) => find(worker, id))));
  await eventually(() => world.inFlight === 50, { timeout: 20_000 });
  expect(done).toEqual([0, 0]);
  world.delay = () => new Promise((resolve) => setImmediate(resolve));
  open();
  await all;
  expect(done).toEqual([calls, calls]);
  expect(world.mostInFlight).toBe(50);
}, 60_000);

test('a rate is kept by all processes together', async () => {
  const key = unique();
  const turns = [1, 2].map(() => createTurns(database.db)(key, 50));
  const begun = performance.now();
  const at: number[] = [];
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      await turns[index % 2]?.();
      at.push(performance.now() - begun);
    }),
  );
  // Timers may fire a millisecond early, and the first call is not delayed.
  expect(performance.now() - begun).toBeGreaterThan(39 * 20 - 40);
  for (const [index, time] of at.sort((a, b) => a - b).entries()) expect(time).toBeGreaterThan(index * 20 - 40);
}, 30_000);
