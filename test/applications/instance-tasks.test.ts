import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startWorker } from '../../activities/worker.ts';
import { reconcile } from '../../api/background/reconcile.ts';
import { outputPermission } from '../../api/tasks/output-permission.ts';
import { loadSubject } from '../../db/access/rights.ts';
import { createLogger } from '../../kit/log.ts';
import { instanceTaskWorkflowId } from '../../workflows/applications/contract.ts';
import type { TestUser } from '../support/api/app.ts';
import { refusal, type Page } from '../support/api/inventory.ts';
import { eventually, temporalAddress } from '../support/harness.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { free, sitesOf } from '../support/applications/sites.ts';
import type { ApplicationSite } from '../support/applications/sites.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const { site, setFields, setStatus, root, calls, one, many, ended, instancesOf } = sitesOf(() => world);

describe('a request refused as a whole before any work', () => {
  const unchanged = async (estate: ApplicationSite): Promise<void> => {
    expect((await instancesOf(estate)).every(({ busyTaskId }) => busyTaskId === null)).toBe(true);
    const { body } = await estate.operator.get<Page>(`/applications/${estate.applicationId}/instance-tasks/`);
    expect(body.count).toBe(0);
  };

  test('names an instance of another application, or one that does not exist', async () => {
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

  test('names an instance that is already in the wanted state', async () => {
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

  test('lacks a command that the action needs', async () => {
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

  test('names an instance on an offline host', async () => {
    const estate = await site(2);
    await world.db
      .updateTable('hosts')
      .set({ status: 'offline' })
      .where('name', '=', estate.hostnames[1] ?? '')
      .execute();
    expect(refusal(await many(estate, 'start'))).toEqual([409, 10005, 'instances.1.id']);
    await unchanged(estate);
  });

  test('has an invalid body', async () => {
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

  test('is refused without restart_app, and is a 404 without view of the application', async () => {
    const estate = await site();
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(refusal(await one({ ...estate, operator: viewer }, 'start'))).toEqual([403, 10003]);
    expect(refusal(await one({ ...estate, operator: await world.user() }, 'start'))).toEqual([404, 10004]);
    await unchanged(estate);
  });

  test('is the second of two concurrent ones', async () => {
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
    const live = async ({ id, username }: TestUser) =>
      outputPermission(world.db, { subject: await loadSubject(world.db, id), username }, first.id).catch(String);
    expect(await live(reader)).toBeUndefined();
    expect(await live(viewer)).toContain('not_allowed {"permission":"view_app_log"}');
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

describe('a workflow stopped in the engine', () => {
  const slow = () => site(2, { pidPath: '', startupCmd: 'echo $$ > "$SLIPWAY_HOST_ROOT/begun"; exec sleep 300' });
  const begun = async (estate: ApplicationSite) => {
    const answer = await many(estate, 'start', { batch_size: 1 });
    const pidFile = join(root(estate), 'begun');
    await eventually(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'), { timeout: 20_000 });
    const handle = world.temporal.workflow.getHandle(instanceTaskWorkflowId(Number(answer.body.task_id)));
    return { answer, handle };
  };

  test('kills running commands when cancelled, begins nothing more and reports why', async () => {
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
    expect(await instancesOf(estate)).toEqual([free('unknown'), free('stopped')]);
  });
});

test('a worker reads logs while it runs tasks', async () => {
  const estate = await site(1, {
    pidPath: '',
    stdoutPath: '/srv/web/out.log',
    startupCmd: 'mkdir -p "$SLIPWAY_DEPLOY_PATH"; echo "served by $SLIPWAY_TASK" > "$SLIPWAY_DEPLOY_PATH/out.log"',
  });
  const { id } = await ended(estate, await one(estate, 'start'));
  const { body } = await estate.manager.get(
    `/applications/${estate.applicationId}/instances/${estate.instanceIds[0]}/log/?mode=lines&latest_lines=1`,
  );
  expect(body).toMatchObject({ content: `served by ${id}\n`, lines: 1 });
});

test('a worker that shuts down hands its commands over to the next one, and nothing runs twice', async () => {
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
