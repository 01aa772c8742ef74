// Orphaned maintenance periods are removed from monitoring.
import { startHousekeeping } from '../../activities/background/housekeeping.ts';
import { unavailable } from '../../activities/providers/error.ts';
import { createMemoryMonitoring, createMonitoringWorld } from '../../activities/providers/monitoring/memory.ts';
import { eventually, testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const hour = 60 * 60_000;
const period = (endedMs: number) => ({ hosts: ['web01'], until: new Date(Date.now() - endedMs), reason: 'deploy' });

test('only periods that ended over an hour ago are removed', async () => {
  const world = createMonitoringWorld();
  world.maintenance.set('task/1', period(2 * hour));
  world.maintenance.set('task/2', period(hour / 2));
  world.maintenance.set('task/3', period(-hour));
  const warn = jest.fn();
  const loop = startHousekeeping({
    monitoring: createMemoryMonitoring(world),
    db: database.db,
    log: { warn, error: warn },
  });
  await eventually(() => !world.maintenance.has('task/1'));
  await loop.stop();
  expect([...world.maintenance.keys()]).toEqual(['task/2', 'task/3']);
  expect(warn).not.toHaveBeenCalled();
});

test('unavailable monitoring is logged, and retried in the next round', async () => {
  const world = createMonitoringWorld();
  world.maintenance.set('task/1', period(2 * hour));
  world.failure = () => unavailable('memory', 'no connection');
  const warn = jest.fn();
  const loop = startHousekeeping({
    monitoring: createMemoryMonitoring(world),
    db: database.db,
    log: { warn, error: warn },
  });
  await eventually(() => warn.mock.calls.length === 1);
  expect(world.maintenance.size).toBe(1);
  world.failure = null;
  await eventually(() => {
    loop.wake();
    return world.maintenance.size === 0;
  });
  await loop.stop();
});

test('a round without monitoring does nothing', async () => {
  const warn = jest.fn();
  await startHousekeeping({ monitoring: null, db: database.db, log: { warn, error: warn } }).stop();
  expect(warn).not.toHaveBeenCalled();
});
