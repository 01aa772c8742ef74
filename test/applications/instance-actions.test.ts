import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../kit/host-path.ts';
import { recordsOf, refusal } from '../support/api/inventory.ts';
import { eventually } from '../support/harness.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { free, sitesOf, startup } from '../support/applications/sites.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const { site, setFields, setStatus, root, calls, one, many, taskOf, ended, instancesOf } = sitesOf(() => world);

describe('an action on one instance', () => {
  test('goes from start through restart to stop, each command run once, and says so in the records', async () => {
    const estate = await site();
    const started = await ended(estate, await one(estate, 'start'));
    expect(started).toMatchObject({
      kind: 'start',
      status: 'finished',
      creator: estate.operator.username,
      timeout: 120,
      waiting_on: null,
      results: [{ instance: estate.instanceIds[0], hostname: estate.hostnames[0], status: 'finished', message: null }],
    });
    expect(await instancesOf(estate)).toEqual([free('running')]);
    const restarted = await ended(estate, await one(estate, 'restart', { timeout: 60 }));
    expect([restarted.status, restarted.timeout]).toEqual(['finished', 60]);
    expect(await instancesOf(estate)).toEqual([free('running')]);
    const stopped = await ended(estate, await one(estate, 'stop'));
    expect(stopped.status).toBe('finished');
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
    expect(calls(estate)).toEqual([
      `start ${started.id}`,
      `stop ${restarted.id}`,
      `start ${restarted.id}`,
      `stop ${stopped.id}`,
    ]);
    const records = await recordsOf(world.db, 'application', estate.applicationId);
    expect(records.map(({ view, opType, operator }) => [view, opType, operator])).toEqual(
      [1, 2, 3].flatMap(() => [
        ['app', 'update', estate.operator.username],
        ['app', 'update', 'system'],
      ]),
    );
    expect(records[0]?.detailEn).toContain(estate.hostnames[0]);
  });

  test('holds the instance while it runs: busy, restarting, and refused to any other', async () => {
    const estate = await site(1, {
      startupCmd: 'while [ ! -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.05; done',
      pidPath: '',
    });
    const first = await one(estate, 'start');
    const path = `/applications/${estate.applicationId}/instances/${estate.instanceIds[0]}/`;
    expect((await estate.operator.get(path)).body).toMatchObject({
      status: 'restarting',
      busy: { kind: 'start', task_id: first.body.task_id },
    });
    for (const action of ['start', 'stop', 'restart']) {
      const refused = await one(estate, action);
      expect([...refusal(refused), refused.body]).toMatchObject([
        409,
        10005,
        { message: expect.stringContaining('busy') },
      ]);
    }
    await eventually(
      async () => (await taskOf(estate, first.body.task_id)).waiting_on?.text.endsWith(': start') ?? false,
      {
        timeout: 20_000,
      },
    );
    mkdirSync(join(root(estate), 'go'));
    expect((await ended(estate, first)).status).toBe('finished');
    expect(await instancesOf(estate)).toEqual([free('running')]);
  });

  test('a failed start leaves the instance stopped, with the reason', async () => {
    const estate = await site(1, { startupCmd: 'echo no such file >&2; exit 3' });
    const task = await ended(estate, await one(estate, 'start'));
    expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', message: 'start: exit status 3' }] });
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
  });

  test('a start whose process dies fails, even if its command succeeded', async () => {
    const estate = await site(1, {
      startupCmd: 'mkdir -p "$SLIPWAY_HOST_ROOT/run"; sleep 0.1 & echo $! > "$SLIPWAY_PID_FILE"; wait',
    });
    const settings = world.db.updateTable('deploySettings').where('applicationId', '=', estate.applicationId);
    await settings.set({ startSeconds: 2 }).execute();
    const task = await ended(estate, await one(estate, 'start', { timeout: 30 }));
    expect(task).toMatchObject({ status: 'failed', results: [{ message: 'check: exit status 1' }] });
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
  });

  test('a failed stop leaves the state unchanged; a restart that cannot stop starts nothing', async () => {
    const estate = await site(1, { stopCmd: 'exit 4', pidPath: '' });
    await setStatus(estate, 'running');
    for (const action of ['stop', 'restart']) {
      const task = await ended(estate, await one(estate, action));
      expect(task).toMatchObject({ status: 'failed', results: [{ message: 'stop: exit status 4' }] });
      expect(await instancesOf(estate)).toEqual([free('running')]);
    }
    expect(calls(estate)).toEqual([]);
  });

  test('an instance whose process has died can be stopped and restarted', async () => {
    const estate = await site();
    await setStatus(estate, 'running');
    expect((await ended(estate, await one(estate, 'restart'))).status).toBe('finished');
    const pid = Number(readFileSync(join(root(estate), 'run/web.pid'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    expect((await ended(estate, await one(estate, 'stop'))).status).toBe('finished');
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
  });

  test('after its timeout the command is killed on the host and the task fails', async () => {
    const estate = await site(1, {
      startupCmd: 'echo $$ > "$SLIPWAY_HOST_ROOT/pid"; sleep 300; echo never >> "$SLIPWAY_HOST_ROOT/calls"',
    });
    const task = await ended(estate, await one(estate, 'start', { timeout: 2 }));
    expect(task).toMatchObject({ status: 'failed', results: [{ message: 'start: timed out after 2 s' }] });
    const pid = Number(readFileSync(join(root(estate), 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
    expect(calls(estate)).toEqual([]);
  });

  test('keeps the commands it began with, and runs them in the current release', async () => {
    const estate = await site(1, { pidPath: '', startupCmd: 'pwd; echo "$SLIPWAY_VERSION at $SLIPWAY_DEPLOY_PATH"' });
    mkdirSync(join(root(estate), 'srv/web/current'), { recursive: true });
    await world.db.updateTable('instances').set({ version: '1.2.3' }).where('id', 'in', estate.instanceIds).execute();
    const answer = await one(estate, 'start');
    await setFields(estate, { startupCmd: 'exit 9' });
    expect((await ended(estate, answer)).status).toBe('finished');
    const { body } = await estate.operator.get<{ results: { text: string; step: string }[]; ended: boolean }>(
      `/applications/${estate.applicationId}/instance-tasks/${answer.body.task_id}/output/`,
    );
    expect([body.ended, body.results.map(({ step, text }) => [step, text])]).toEqual([
      true,
      [
        ['start', join(root(estate), 'srv/web/current')],
        ['start', `1.2.3 at ${join(root(estate), 'srv/web')}`],
      ],
    ]);
  });
});

describe('an action on many instances', () => {
  test('runs batch by batch; after a failure no further batch begins', async () => {
    const estate = await site(5);
    const failing = localHostFolder(world.config.dataDir, estate.hostnames[3] ?? '');
    mkdirSync(join(failing, 'broken'), { recursive: true });
    await setFields(estate, { startupCmd: `if [ -e "$SLIPWAY_HOST_ROOT/broken" ]; then exit 5; fi; ${startup}` });
    const task = await ended(estate, await many(estate, 'start', { batch_size: 2 }));
    expect(task.status).toBe('failed');
    expect(task.results.map(({ instance }) => instance)).toEqual(estate.instanceIds);
    expect(task.results.map(({ status, message }) => [status, message])).toEqual([
      ...[1, 2, 3].map(() => ['finished', null]),
      ['failed', 'start: exit status 5'],
      ['failed', 'not begun: an instance before it failed'],
    ]);
    expect(task.results[4]?.started).toBeNull();
    expect(await instancesOf(estate)).toEqual([
      ...[1, 2, 3].map(() => free('running')),
      free('stopped'),
      free('stopped'),
    ]);
    expect(calls(estate, 4)).toEqual([]);
    const [first, , third] = task.results;
    expect(String(third?.started) >= String(first?.finished)).toBe(true);
    await ended(
      estate,
      await many(estate, 'stop', { instances: estate.instanceIds.slice(0, 3).map((id) => ({ id })) }),
    );
  });

  test('a timeout ends the running batch, and instances of later batches stay unchanged', async () => {
    const estate = await site(2, { stopCmd: 'sleep 300', pidPath: '' });
    await setStatus(estate, 'running');
    const task = await ended(estate, await many(estate, 'restart', { batch_size: 1, timeout: 2 }));
    expect(task.results.map(({ message }) => message)).toEqual([
      'stop: timed out after 2 s; whether it runs is not known: there is no pid file',
      'not begun: timed out after 2 s',
    ]);
    expect(await instancesOf(estate)).toEqual([free('unknown'), free('running')]);
  });

  test('a restart of some stopped and some running instances stops only the running ones', async () => {
    const estate = await site(2);
    await ended(estate, await one(estate, 'start', {}, 0));
    const task = await ended(estate, await many(estate, 'restart'));
    expect(task.status).toBe('finished');
    expect(calls(estate, 0).slice(1)).toEqual([`stop ${task.id}`, `start ${task.id}`]);
    expect(calls(estate, 1)).toEqual([`start ${task.id}`]);
    await ended(estate, await many(estate, 'stop'));
  });
});
