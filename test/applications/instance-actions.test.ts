import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startWorker } from '../../activities/worker.ts';
import { reconcile } from '../../api/reconcile.ts';
import { outputPermission } from '../../api/task-access.ts';
import { loadSubject } from '../../db/access/rights.ts';
import { localHostFolder } from '../../kit/host-path.ts';
import { createLogger } from '../../kit/log.ts';
import { instanceTaskWorkflowId } from '../../workflows/applications/contract.ts';
import type { TestUser } from '../api/app.ts';
import { recordsOf, refusal, type Page } from '../api/inventory.ts';
import { eventually, temporalAddress } from '../harness.ts';
import { endedTask, makeEstate, testWorld } from '../world.ts';
import type { TestEstate, World } from '../world.ts';

interface Result {
  instance: number;
  hostname: string;
  status: string;
  message: string | null;
  started: string | null;
  finished: string | null;
}

interface Task {
  id: number;
  task_id: string;
  kind: string;
  creator: string;
  status: string;
  timeout: number;
  waiting_on: { kind: string; text: string } | null;
  results: Result[];
  task_output: string;
  created_time: string;
  finished_time: string | null;
}

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const startup =
  'mkdir -p "$SLIPWAY_HOST_ROOT/run"; echo "start $SLIPWAY_TASK" >> "$SLIPWAY_HOST_ROOT/calls"; ' +
  'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"; echo started';
const stop = 'echo "stop $SLIPWAY_TASK" >> "$SLIPWAY_HOST_ROOT/calls"; kill "$(cat "$SLIPWAY_PID_FILE")"; echo stopped';

interface Site extends TestEstate {
  /** Holds restart_app. */
  operator: TestUser;
}

async function site(instances = 1, fields: object = {}): Promise<Site> {
  const estate = await makeEstate(world, instances);
  await setFields(estate, { startupCmd: startup, stopCmd: stop, ...fields });
  const operator = await world.user({ application: { [estate.applicationId]: ['restart_app'] } });
  return { ...estate, operator };
}

const setFields = ({ applicationId }: TestEstate, fields: object) =>
  world.db.updateTable('applications').set(fields).where('id', '=', applicationId).execute();

const setStatus = ({ instanceIds }: TestEstate, status: 'running' | 'stopped') =>
  world.db.updateTable('instances').set({ status }).where('id', 'in', instanceIds).execute();

const root = ({ hostnames }: TestEstate, index = 0): string =>
  localHostFolder(world.config.dataDir, hostnames[index] ?? '');
const calls = (estate: TestEstate, index = 0): string[] => {
  const file = join(root(estate, index), 'calls');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

const one = ({ applicationId, instanceIds, operator }: Site, action: string, body?: object, index = 0) =>
  operator.post<{ task_id: string }>(
    `/applications/${applicationId}/instances/${instanceIds[index] ?? 0}/actions/${action}/`,
    body,
  );
const many = ({ applicationId, instanceIds, operator }: Site, action: string, body: object = {}) =>
  operator.post<{ task_id: string }>(`/applications/${applicationId}/instances/actions/${action}/`, {
    instances: instanceIds.map((id) => ({ id })),
    ...body,
  });

const taskOf = async ({ applicationId, operator }: Site, taskId: string): Promise<Task> =>
  (await operator.get<Task>(`/applications/${applicationId}/instance-tasks/${taskId}/`)).body;

async function ended(estate: Site, answer: { status: number; body: { task_id: string } }): Promise<Task> {
  expect([answer.status, answer.body]).toEqual([202, { task_id: expect.any(String) }]);
  await endedTask(world, Number(answer.body.task_id));
  return taskOf(estate, answer.body.task_id);
}

const instancesOf = ({ instanceIds }: TestEstate) =>
  world.db
    .selectFrom('instances')
    .select(['status', 'busyKind', 'busyTaskId'])
    .where('id', 'in', instanceIds)
    .orderBy('id')
    .execute();
const free = (status: string) => ({ status, busyKind: null, busyTaskId: null });

describe('an action on one instance', () => {
  test('goes from start through restart to stop, each command run once, and says so in the records', async () => {
    const estate = await site();
    const started = await ended(estate, await one(estate, 'start'));
    expect(started).toMatchObject({
      ...{ kind: 'start', status: 'finished', creator: estate.operator.username, timeout: 120, waiting_on: null },
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
      ...{ status: 'restarting', busy: { kind: 'start', task_id: first.body.task_id } },
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

  test('a failed start leaves it stopped, with the reason', async () => {
    const estate = await site(1, { startupCmd: 'echo no such file >&2; exit 3' });
    const task = await ended(estate, await one(estate, 'start'));
    expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', message: 'start: exit status 3' }] });
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
  });

  test('a start whose process does not live fails, though its command ended well', async () => {
    const estate = await site(1, {
      startupCmd: 'mkdir -p "$SLIPWAY_HOST_ROOT/run"; sleep 0.1 & echo $! > "$SLIPWAY_PID_FILE"; wait',
    });
    const task = await ended(estate, await one(estate, 'start', { timeout: 30 }));
    expect(task).toMatchObject({ status: 'failed', results: [{ message: 'check: exit status 1' }] });
    expect(await instancesOf(estate)).toEqual([free('stopped')]);
  });

  test('a failed stop leaves what it was; a restart that cannot stop starts nothing', async () => {
    const estate = await site(1, { stopCmd: 'exit 4', pidPath: '' });
    await setStatus(estate, 'running');
    for (const action of ['stop', 'restart']) {
      const task = await ended(estate, await one(estate, action));
      expect(task).toMatchObject({ status: 'failed', results: [{ message: 'stop: exit status 4' }] });
      expect(await instancesOf(estate)).toEqual([free('running')]);
    }
    expect(calls(estate)).toEqual([]);
  });

  test('an instance whose process has died by itself can be stopped and restarted', async () => {
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

  test('keeps the commands it began with, and runs them in the present release', async () => {
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
  test('goes batch after batch; after a failure no further batch begins', async () => {
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

  test('a timeout ends the batch that runs, and what never began stays as it was', async () => {
    const estate = await site(2, { stopCmd: 'sleep 300', pidPath: '' });
    await setStatus(estate, 'running');
    const task = await ended(estate, await many(estate, 'restart', { batch_size: 1, timeout: 2 }));
    expect(task.results.map(({ message }) => message)).toEqual([
      'stop: timed out after 2 s',
      'not begun: timed out after 2 s',
    ]);
    expect(await instancesOf(estate)).toEqual([free('running'), free('running')]);
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

describe('refused before any work, whole', () => {
  const unchanged = async (estate: Site): Promise<void> => {
    expect((await instancesOf(estate)).every(({ busyTaskId }) => busyTaskId === null)).toBe(true);
    const { body } = await estate.operator.get<Page>(`/applications/${estate.applicationId}/instance-tasks/`);
    expect(body.count).toBe(0);
  };

  test('an instance of another application, or one that is not there', async () => {
    const [estate, other] = [await site(), await site()];
    const instances = [...estate.instanceIds, ...other.instanceIds, 123_456_789].map((id) => ({ id }));
    expect(refusal(await many(estate, 'start', { instances }))).toEqual([
      404,
      10004,
      'instances.1.id',
      'instances.2.id',
    ]);
    expect(refusal(await one({ ...estate, instanceIds: other.instanceIds }, 'start'))).toEqual([404, 10004]);
    await unchanged(estate);
  });

  test('an instance that is in the wanted state already', async () => {
    const estate = await site(2);
    await world.db
      .updateTable('instances')
      .set({ status: 'running' })
      .where('id', '=', estate.instanceIds[1] ?? 0)
      .execute();
    expect(refusal(await many(estate, 'start'))).toEqual([409, 10005, 'instances.1.id']);
    expect(refusal(await many(estate, 'stop'))).toEqual([409, 10005, 'instances.0.id']);
    expect(refusal(await one(estate, 'stop'))).toEqual([409, 10005]);
    await unchanged(estate);
  });

  test('no command where one is needed, and only there', async () => {
    const estate = await site(2, { startupCmd: '', stopCmd: '' });
    const said = async (answer: Promise<{ body: object }>) => (await answer).body;
    expect(await said(one(estate, 'start'))).toMatchObject({ message: 'the application has no startup_cmd' });
    expect(await said(many(estate, 'restart'))).toMatchObject({ message: 'the application has no startup_cmd' });
    await setFields(estate, { startupCmd: 'true' });
    await setStatus(estate, 'running');
    expect(await said(one(estate, 'stop'))).toMatchObject({ message: 'the application has no stop_cmd' });
    expect(await said(many(estate, 'restart'))).toMatchObject({ message: 'the application has no stop_cmd' });
    await unchanged(estate);
    await setStatus(estate, 'stopped');
    await setFields(estate, { pidPath: '' });
    expect((await ended(estate, await many(estate, 'restart'))).status).toBe('finished');
  });

  test('a host that is offline', async () => {
    const estate = await site(2);
    await world.db
      .updateTable('hosts')
      .set({ status: 'offline' })
      .where('name', '=', estate.hostnames[1] ?? '')
      .execute();
    expect(refusal(await many(estate, 'start'))).toEqual([409, 10005, 'instances.1.id']);
    await unchanged(estate);
  });

  test('a body that is not what it should be', async () => {
    const estate = await site();
    const [id] = estate.instanceIds;
    expect(refusal(await one(estate, 'start', { timeout: 0 }))).toEqual([400, 10001, 'timeout']);
    expect(refusal(await one(estate, 'start', { timeout: 3601 }))).toEqual([400, 10001, 'timeout']);
    expect(refusal(await one(estate, 'start', { force: true }))).toEqual([400, 10001, 'force']);
    expect(refusal(await many(estate, 'start', { batch_size: 101 }))).toEqual([400, 10001, 'batch_size']);
    expect(refusal(await many(estate, 'start', { instances: [] }))).toEqual([400, 10001, 'instances']);
    const twice = await many(estate, 'start', { instances: [{ id }, { id }] });
    expect(refusal(twice)).toEqual([400, 10001, 'instances.1.id']);
    await unchanged(estate);
  });

  test('whoever does not hold restart_app, and whoever may not know of the application', async () => {
    const estate = await site();
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(refusal(await one({ ...estate, operator: viewer }, 'start'))).toEqual([403, 10003]);
    expect(refusal(await one({ ...estate, operator: await world.user() }, 'start'))).toEqual([404, 10004]);
    await unchanged(estate);
  });

  test('of two at once one is taken', async () => {
    const estate = await site(2, { pidPath: '', startupCmd: 'true' });
    const both = await Promise.all([many(estate, 'start'), many(estate, 'start')]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
    const winner = both.find(({ status }) => status === 202);
    if (winner) await ended(estate, winner);
  });
});

describe('tasks', () => {
  test('are listed newest first and filtered; times are strict; their output is for those who may read it', async () => {
    const estate = await site(1, { pidPath: '', startupCmd: 'echo hello', stopCmd: 'exit 1' });
    const first = await ended(estate, await one(estate, 'start'));
    const second = await ended(estate, await one(estate, 'stop'));
    const path = `/applications/${estate.applicationId}/instance-tasks/`;
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    const ids = async (query: string) => (await viewer.get<Page>(`${path}?${query}`)).body.results.map(({ id }) => id);
    expect(await ids('')).toEqual([second.id, first.id]);
    expect(await ids('kind=start')).toEqual([first.id]);
    expect(await ids('status=failed')).toEqual([second.id]);
    expect(await ids(`creator=${estate.operator.username}&status=finished`)).toEqual([first.id]);
    expect(await ids('creator=nobody')).toEqual([]);
    const created = encodeURIComponent(first.created_time);
    expect(await ids(`time__gt=${created}`)).not.toContain(first.id);
    expect(await ids(`time__lt=${created}`)).not.toContain(first.id);
    expect((await viewer.get(`${path}${first.id}/`)).status).toBe(200);
    expect(refusal(await viewer.get(`${path}${first.id}/output/`))).toEqual([403, 10003]);
    const reader = await world.user({ application: { [estate.applicationId]: ['view_app_log'] } });
    const { body } = await reader.get(`${path}${first.id}/output/?after=0&limit=1`);
    expect(body).toMatchObject({ results: [{ seq: 1, step: 'start', text: 'hello' }], next_after: 1, ended: true });
    const live = async ({ id }: TestUser) =>
      outputPermission(world.db, await loadSubject(world.db, id), first.id).catch((error: Error) => error.message);
    expect(await live(reader)).toBeUndefined();
    expect(await live(viewer)).toBe('not allowed: view_app_log');
    expect(first.task_output).toMatch(new RegExp(`^ws.*/ws/tasks/${first.id}/output\\?ticket=`));
    const other = await site();
    const elsewhere = `/applications/${other.applicationId}/instance-tasks/${first.id}/`;
    expect(refusal(await other.operator.get(elsewhere))).toEqual([404, 10004]);
    expect(refusal(await (await world.user()).get(`${path}${first.id}/`))).toEqual([404, 10004]);
  });

  test('are found in the engine by their id, with what they do in words', async () => {
    const estate = await site(1, { pidPath: '', startupCmd: 'true' });
    const { id } = await ended(estate, await one(estate, 'start'));
    const handle = world.temporal.workflow.getHandle(instanceTaskWorkflowId(id));
    expect(await handle.result()).toEqual({ finished: 1, failed: 0 });
    const { staticSummary, status } = await handle.describe().then(async (described) => ({
      status: described.status.name,
      staticSummary: await described.staticSummary(),
    }));
    expect([status, staticSummary]).toEqual(['COMPLETED', `start ${estate.name} on ${estate.hostnames[0]}`]);
  });
});

describe('what happens to the workflow from outside', () => {
  const slow = () => site(2, { pidPath: '', startupCmd: 'echo $$ > "$SLIPWAY_HOST_ROOT/begun"; exec sleep 300' });
  const begun = async (estate: Site) => {
    const answer = await many(estate, 'start', { batch_size: 1 });
    const pidFile = join(root(estate), 'begun');
    await eventually(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'), { timeout: 20_000 });
    const handle = world.temporal.workflow.getHandle(instanceTaskWorkflowId(Number(answer.body.task_id)));
    return { answer, handle };
  };

  test('cancelled, it kills what runs, begins nothing more and says why', async () => {
    const estate = await slow();
    const { answer, handle } = await begun(estate);
    await handle.cancel();
    expect((await ended(estate, answer)).results.map(({ message }) => message)).toEqual([
      'start: cancelled by an operator',
      'not begun: cancelled by an operator',
    ]);
    expect(await instancesOf(estate)).toEqual([free('stopped'), free('stopped')]);
  });

  test('terminated, the reconciler says that it is lost and what is not known, and frees the instances', async () => {
    const estate = await slow();
    const { answer, handle } = await begun(estate);
    await handle.terminate('by hand');
    process.kill(Number(readFileSync(join(root(estate), 'begun'), 'utf8')), 'SIGKILL');
    expect(await reconcile(world.db, world.deps.engine, new Date())).toBe(0);
    expect(await reconcile(world.db, world.deps.engine, new Date(Date.now() + 60_000))).toBe(1);
    const task = await ended(estate, answer);
    expect([task.status, ...task.results.map(({ status, message }) => [status, message])]).toEqual([
      'failed',
      ['unknown', 'not known how it ended: lost: its workflow is gone from the engine'],
      ['failed', 'not begun: lost: its workflow is gone from the engine'],
    ]);
    expect(await instancesOf(estate)).toEqual([free('stopped'), free('stopped')]);
  });
});

test('a worker that goes hands its commands over: the next one finds them, and nothing runs twice', async () => {
  const estate = await site(1, {
    pidPath: '',
    startupCmd:
      'echo once >> "$SLIPWAY_HOST_ROOT/calls"; echo before; ' +
      'while [ ! -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.05; done; echo after',
  });
  const answer = await one(estate, 'start');
  await eventually(() => calls(estate).length === 1, { timeout: 20_000 });
  await world.worker.stop();
  const at = { databaseUrl: world.database.url, temporalAddress: temporalAddress() };
  world.worker = await startWorker(world.config, createLogger({ logLevel: 'error' }, 'test'), at);
  mkdirSync(join(root(estate), 'go'));
  expect((await ended(estate, answer)).status).toBe('finished');
  expect(calls(estate)).toEqual(['once']);
  const { body } = await estate.operator.get<{ results: { seq: number; text: string }[] }>(
    `/applications/${estate.applicationId}/instance-tasks/${answer.body.task_id}/output/`,
  );
  expect(body.results.map(({ seq, text }) => [seq, text])).toEqual([
    [1, 'before'],
    [2, 'after'],
  ]);
  await world.worker.stop();
});
