// Actions on instances that are recorded as what they are not: the host is asked, and the result says what it found.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../deploy/hosts.ts';
import { processesOf } from '../deploy/listing.ts';
import { eventually } from '../harness.ts';
import { testWorld } from '../world.ts';
import type { World } from '../world.ts';
import { free, sitesOf, startup } from './sites.ts';
import type { Site } from './sites.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const { site, setStatus, root, calls, one, ended, instancesOf } = sitesOf(() => world);

const pidOf = (estate: Site): number => {
  const file = join(root(estate), 'run/web.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
};
const services = (estate: Site): string[] => processesOf(root(estate)).filter((command) => command === 'sleep 600');

/** Runs the start command of a site as a person would, who tells nobody. */
function startByHand(estate: Site): number {
  const env = {
    PATH: process.env.PATH,
    SLIPWAY_HOST_ROOT: root(estate),
    SLIPWAY_PID_FILE: `${root(estate)}/run/web.pid`,
  };
  execFileSync('bash', ['-c', startup], { cwd: root(estate), env: { ...env, SLIPWAY_TASK: 'hand' }, stdio: 'ignore' });
  return pidOf(estate);
}

/** Status, message and calls of an action, and what is recorded after it. */
async function done(estate: Site, action: string, body?: object) {
  const { id, status, results } = await ended(estate, await one(estate, action, body));
  const names = calls(estate).map((call) => call.replace(` ${id}`, ''));
  return { status, message: results[0]?.message, calls: names, instances: await instancesOf(estate) };
}

test('a start of what runs already starts nothing beside it', async () => {
  const estate = await site();
  const pid = startByHand(estate);
  expect(await done(estate, 'start')).toEqual({
    ...{ status: 'finished', message: 'start: it ran already, nothing was started' },
    ...{ calls: ['start hand'], instances: [free('running')] },
  });
  expect([pidOf(estate), services(estate)]).toEqual([pid, ['sleep 600']]);
});

test('a restart of what runs though it is recorded as stopped leaves one process, another one', async () => {
  const estate = await site();
  const pid = startByHand(estate);
  expect(await done(estate, 'restart')).toEqual({
    ...{ status: 'finished', message: 'stop: it ran, though recorded as stopped' },
    ...{ calls: ['start hand', 'stop', 'start'], instances: [free('running')] },
  });
  expect(isAlive(pid)).toBe(false);
  await eventually(() => expect(services(estate)).toEqual(['sleep 600']));
});

test('a restart of what has died though it is recorded as running starts it', async () => {
  const estate = await site();
  await setStatus(estate, 'running');
  const { status, instances } = await done(estate, 'restart');
  expect([status, instances]).toEqual(['finished', [free('running')]]);
  expect(services(estate)).toEqual(['sleep 600']);
});

test('a start that fails and leaves a process is recorded as running', async () => {
  const estate = await site(1, { startupCmd: `${startup}; exit 3` });
  expect(await done(estate, 'start')).toEqual({
    ...{ status: 'failed', message: 'start: exit status 3' },
    ...{ calls: ['start'], instances: [free('running')] },
  });
  expect(services(estate)).toEqual(['sleep 600']);
});

test('a restart whose stop fails of what is recorded as stopped is recorded as running', async () => {
  const estate = await site(1, { stopCmd: 'true' });
  startByHand(estate);
  expect(await done(estate, 'restart', { timeout: 3 })).toEqual({
    ...{ status: 'failed', message: 'stop: timed out after 3 s' },
    ...{ calls: ['start hand'], instances: [free('running')] },
  });
});
