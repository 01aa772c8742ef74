// Actions on instances whose recorded state is wrong: the action checks the host and records the actual state.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../support/deploy/hosts.ts';
import { processesOf } from '../support/deploy/listing.ts';
import { eventually } from '../support/harness.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { free, sitesOf, startup } from '../support/applications/sites.ts';
import type { ApplicationSite } from '../support/applications/sites.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const { site, setStatus, root, calls, one, ended, instancesOf } = sitesOf(() => world);

const pidOf = (estate: ApplicationSite): number => {
  const file = join(root(estate), 'run/web.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
};
const services = (estate: ApplicationSite): string[] =>
  processesOf(root(estate)).filter((command) => command === 'sleep 600');

/** Runs the start command of a site by hand, without Slipway. */
function startByHand(estate: ApplicationSite, command = startup): number {
  mkdirSync(join(root(estate), 'run'), { recursive: true });
  const env = {
    PATH: process.env.PATH,
    SLIPWAY_HOST_ROOT: root(estate),
    SLIPWAY_PID_FILE: `${root(estate)}/run/web.pid`,
  };
  execFileSync('bash', ['-c', command], { cwd: root(estate), env: { ...env, SLIPWAY_TASK: 'hand' }, stdio: 'ignore' });
  return pidOf(estate);
}

const seconds = ({ applicationId }: ApplicationSite, set: { startSeconds?: number; stopSeconds?: number }) =>
  world.db.updateTable('deploySettings').set(set).where('applicationId', '=', applicationId).execute();

/** Whether the host of a site has a job of a task. */
const answered = (estate: ApplicationSite, taskId: number, job: string): boolean =>
  existsSync(join(root(estate), '.slipway/jobs', `t${taskId}-p0-${job}`));

/** Status, message and calls of an action, and the state recorded after it. */
async function done(estate: ApplicationSite, action: string, body?: object) {
  const { id, status, results } = await ended(estate, await one(estate, action, body));
  const names = calls(estate).map((call) => call.replace(` ${id}`, ''));
  return { status, message: results[0]?.message, calls: names, instances: await instancesOf(estate) };
}

test('a start of a running process starts no second one', async () => {
  const estate = await site();
  const pid = startByHand(estate);
  expect(await done(estate, 'start')).toEqual({
    status: 'finished',
    message: 'start: it ran already, nothing was started',
    calls: ['start hand'],
    instances: [free('running')],
  });
  expect([pidOf(estate), services(estate)]).toEqual([pid, ['sleep 600']]);
});

test('a restart of a running process recorded as stopped replaces it with a new one', async () => {
  const estate = await site();
  const pid = startByHand(estate);
  expect(await done(estate, 'restart')).toEqual({
    status: 'finished',
    message: 'stop: it ran, though recorded as stopped',
    calls: ['start hand', 'stop', 'start'],
    instances: [free('running')],
  });
  expect(isAlive(pid)).toBe(false);
  await eventually(() => expect(services(estate)).toEqual(['sleep 600']));
});

test('a restart of a dead process recorded as running starts it', async () => {
  const estate = await site();
  await setStatus(estate, 'running');
  const { status, instances } = await done(estate, 'restart');
  expect([status, instances]).toEqual(['finished', [free('running')]]);
  expect(services(estate)).toEqual(['sleep 600']);
});

test('a failed start that leaves a process is recorded as running', async () => {
  const estate = await site(1, { startupCmd: `${startup}; exit 3` });
  expect(await done(estate, 'start')).toEqual({
    status: 'failed',
    message: 'start: exit status 3',
    calls: ['start'],
    instances: [free('running')],
  });
  expect(services(estate)).toEqual(['sleep 600']);
});

test('a restart that cannot stop a process recorded as stopped is recorded as running', async () => {
  const estate = await site(1, { stopCmd: 'echo a backup runs; exit 4' });
  await seconds(estate, { stopSeconds: 1 });
  const pid = startByHand(estate);
  expect(await done(estate, 'restart')).toEqual({
    status: 'failed',
    message: 'stop: exit status 1',
    calls: ['start hand'],
    instances: [free('running')],
  });
  expect(isAlive(pid)).toBe(true);
});

/** Ends on TERM once it is let go. */
const draining =
  'nohup bash -c \'trap told=yes TERM; until [ "$told" ] && [ -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.1; done\' ' +
  '>/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"';

test.each(['restart', 'stop'])(
  'a %s of what takes longer to end waits for it, and nothing runs then, as is recorded',
  async (action) => {
    const estate = await site();
    await seconds(estate, { stopSeconds: 1 });
    const pid = startByHand(estate, draining);
    await setStatus(estate, 'running');
    const answer = await one(estate, action, { timeout: 600 });
    await eventually(() => answered(estate, Number(answer.body.task_id), 'settle-told'), { timeout: 60_000 });
    expect(isAlive(pid)).toBe(true);
    writeFileSync(join(root(estate), 'go'), '');
    const { status, results } = await ended(estate, answer);
    expect([status, results[0]?.message]).toEqual(['failed', 'stop: exit status 1']);
    expect([isAlive(pid), await instancesOf(estate)]).toEqual([false, [free('stopped')]]);
  },
);

test('a restart of what does not end by the timeout kills it, and nothing runs then, as is recorded', async () => {
  const estate = await site();
  const pid = startByHand(estate, draining);
  await setStatus(estate, 'running');
  const { status, message, instances } = await done(estate, 'restart', { timeout: 5 });
  expect([status, message, instances]).toEqual(['failed', 'stop: timed out after 5 s', [free('stopped')]]);
  expect([isAlive(pid), processesOf(root(estate))]).toEqual([false, []]);
});

test('a start that shows no process in its time leaves none', async () => {
  const late = "(setsid bash -c 'sleep 300; sleep 300' >/dev/null 2>&1 &)";
  const estate = await site(1, { startupCmd: late });
  await seconds(estate, { startSeconds: 1 });
  expect(await done(estate, 'start')).toMatchObject({ status: 'failed', instances: [free('stopped')] });
  expect(processesOf(root(estate))).toEqual([]);
});

test('a start of what is not known to run starts it, and a stop of it is not refused', async () => {
  const estate = await site();
  await setStatus(estate, 'unknown');
  expect(await done(estate, 'start')).toMatchObject({ status: 'finished', instances: [free('running')] });
  await setStatus(estate, 'unknown');
  expect(await done(estate, 'stop')).toMatchObject({ status: 'finished', instances: [free('stopped')] });
});
