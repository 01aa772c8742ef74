import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../kit/host-path.ts';
import { makeApplication } from '../support/api/app.ts';
import { endedTask, makeEstate, makeTask, packagePath, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { eventually } from '../support/harness.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const currentOf = (hostname: string): string =>
  readlinkSync(join(localHostFolder(world.config.dataDir, hostname), 'srv/web/current'));

async function upgrade(estate: TestEstate, id: number, version: string): Promise<number> {
  const update_source = packagePath(version);
  const instances = estate.instanceIds.map((one) => ({ id: one }));
  const path = `/application/deploy-tasks/${id}/sub-upgrade-tasks/`;
  const { body, status } = await estate.manager.post<{ task_id: string }>(path, { instances, update_source, version });
  expect([status, body]).toEqual([202, expect.objectContaining({ task_id: expect.any(String) as string })]);
  return Number(body.task_id);
}

test('a deploy task goes from request through approval, start and upgrade to its end', async () => {
  const estate = await makeEstate(world);
  const id = await makeTask(world, estate);
  const path = `/application/deploy-tasks/${id}`;
  expect((await estate.manager.post(`${path}/actions/start/`)).body).toMatchObject({ error_code: 30005 });
  expect((await estate.manager.post(`${path}/actions/approve/`)).status).toBe(403);
  expect((await estate.reviewer.post(`${path}/actions/approve/`)).status).toBe(200);
  expect((await taskOf(world, id)).status).toBe('approved');
  expect((await estate.manager.post(`${path}/actions/start/`)).status).toBe(200);
  const task = await endedTask(world, await upgrade(estate, id, '1.0.0'));
  expect(task).toMatchObject({ status: 'finished', error: null });
  for (const hostname of estate.hostnames) expect(currentOf(hostname)).toBe('releases/1.0.0');
  await eventually(async () => (await taskOf(world, id)).status === 'finished', { timeout: 10_000 });
  const { body } = await estate.manager.get<{ history: { event: string }[] }>(`${path}/`);
  expect(body.history.map(({ event }) => event)).toEqual([
    'created',
    'approved',
    'started',
    'sub_task',
    'sub_task',
    'finished',
  ]);
});

test('output lines have numbers from 1 without a gap and name their step', async () => {
  const estate = await makeEstate(world);
  const id = await startedTask(world, estate);
  const subTask = await upgrade(estate, id, '1.0.0');
  await endedTask(world, subTask);
  const { body } = await estate.manager.get<{ results: { seq: number; step: string; text: string }[]; ended: boolean }>(
    `/application/deploy-tasks/${id}/sub-tasks/${subTask}/output/`,
  );
  expect(body.ended).toBe(true);
  expect(body.results.map(({ seq }) => seq)).toEqual(body.results.map((_, index) => index + 1));
  expect(body.results.filter(({ step }) => step === 'start').map(({ text }) => text)).toEqual(['started', 'started']);
});

test('a failing check switches back, starts the old release and fails that instance', async () => {
  const estate = await makeEstate(world, 1);
  const [hostname = ''] = estate.hostnames;
  const first = await startedTask(world, estate, { version: '1.0.0' });
  await endedTask(world, await upgrade(estate, first, '1.0.0'));
  await eventually(async () => (await taskOf(world, first)).status === 'finished');
  await world.db
    .updateTable('applications')
    .set({ startupCmd: 'if [ "$SLIPWAY_VERSION" = 2.0.0 ] && grep -q 2.0.0 VERSION; then exit 3; fi; ' + startOld })
    .where('id', '=', estate.applicationId)
    .execute();
  const second = await startedTask(world, estate, { version: '2.0.0' });
  const subTask = await upgrade(estate, second, '2.0.0');
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'failed' });
  expect(currentOf(hostname)).toBe('releases/1.0.0');
  const root = localHostFolder(world.config.dataDir, hostname);
  expect(existsSync(join(root, 'srv/web/releases/2.0.0'))).toBe(false);
  expect(readFileSync(join(root, 'calls'), 'utf8').trim().split('\n')).toEqual([
    'start 1.0.0',
    'stop',
    'stop',
    'start 1.0.0',
  ]);
  const instance = await world.db
    .selectFrom('instances')
    .selectAll()
    .where('applicationId', '=', estate.applicationId)
    .executeTakeFirstOrThrow();
  expect(instance).toMatchObject({ status: 'running', version: '1.0.0', busyTaskId: null });
});

const startOld =
  'echo "start $(cat VERSION)" >> "$SLIPWAY_HOST_ROOT/calls"; ' +
  'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"';

describe('where another application is deployed', () => {
  /** A second application on the only host of an estate, deployed to this path. */
  async function beside({ hostnames: [hostname = ''] }: TestEstate, directory: string, isFirst: boolean) {
    const applicationId = await makeApplication(world.db);
    await world.db.insertInto('deploySettings').values({ applicationId, creator: 'test' }).execute();
    await world.db.updateTable('applications').set({ directory }).where('id', '=', applicationId).execute();
    const of = world.db.selectFrom('hosts').where('name', '=', hostname).select('id');
    await world.db
      .insertInto('instances')
      .values({ applicationId, hostId: of, ...(isFirst && { version: '1.0.0' }) })
      .execute();
  }

  test('nothing is started, and no sub-task of what was started before goes on', async () => {
    const estate = await makeEstate(world, 1);
    const [started, other] = [await startedTask(world, estate), await makeTask(world, estate, { level: 'I' })];
    const inReview = await makeTask(world, estate);
    await beside(estate, '/srv/web/', true);
    const asked = {
      instances: estate.instanceIds.map((one) => ({ id: one })),
      update_source: packagePath('1.0.0'),
      version: '1.0.0',
    };
    const path = '/application/deploy-tasks';
    for (const refused of [
      await estate.manager.post(`${path}/${other}/actions/start/`),
      await estate.manager.post(`${path}/${started}/sub-upgrade-tasks/`, asked),
      await estate.manager.patch(`${path}/${inReview}/`, { description: 'once more' }),
    ]) {
      expect(refused).toMatchObject({ status: 409, body: { error_code: 10005 } });
      expect(refused.body['message']).toMatch(/^another application is deployed to \/srv\/web on host /);
    }
  });

  test('a link of the host leads no package there', async () => {
    const estate = await makeEstate(world, 1);
    const [hostname = ''] = estate.hostnames;
    const root = localHostFolder(world.config.dataDir, hostname);
    mkdirSync(join(root, 'data/other'), { recursive: true });
    mkdirSync(join(root, 'srv'));
    symlinkSync('../data/other', join(root, 'srv/web'));
    const id = await startedTask(world, estate);
    await beside(estate, '/data', false);
    const task = await endedTask(world, await upgrade(estate, id, '1.0.0'));
    expect(task.status).toBe('failed');
    const result = await world.db
      .selectFrom('taskResults')
      .select(['status', 'message'])
      .where('taskId', '=', task.id)
      .executeTakeFirstOrThrow();
    expect(result.message).toContain('leads by a link of the host to where another application is deployed');
    expect(readdirSync(join(root, 'data/other'))).toEqual([]);
  });
});

test('an application whose repository can not be reached gets no checksum and no start', async () => {
  const estate = await makeEstate(world, 1);
  const repository = JSON.stringify({ type: 'FTP', url: 'ftp://packages.invalid/web', credential: null });
  await world.db
    .updateTable('deploySettings')
    .set({ repository })
    .where('applicationId', '=', estate.applicationId)
    .execute();
  const id = await makeTask(world, estate, { level: 'I' });
  const path = `/application/deploy-tasks/${id}`;
  const { body: plan } = await estate.manager.get<{ package: { sha256: null; unread: string } }>(`${path}/plan/`);
  expect(plan.package).toMatchObject({ sha256: null, unread: expect.stringContaining('packages.invalid') as string });
  const refused = await estate.manager.post(`${path}/actions/start/`);
  expect(refused).toMatchObject({ status: 409, body: { error_code: 10005 } });
  expect((await taskOf(world, id)).startedTime).toBeNull();
});
