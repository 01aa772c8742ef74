import { rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { eventually } from '../support/harness.ts';
import {
  endedTask,
  makeEstate,
  makeTask,
  packagePath,
  placePackage,
  startedTask,
  taskOf,
  testWorld,
} from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, act, outcome, resultsOf, revert, taskPath, upgrade } from '../support/deploy/acts.ts';
import type { HostFolder } from '../support/deploy/hosts.ts';
import { hostsOf, isAlive } from '../support/deploy/hosts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const instancesOf = ({ applicationId }: TestEstate) =>
  world.db.selectFrom('instances').selectAll().where('applicationId', '=', applicationId).orderBy('id').execute();
const subTasksOf = (id: number) => world.db.selectFrom('tasks').select('id').where('deployTaskId', '=', id).execute();

function hostOf(estate: TestEstate): HostFolder {
  const [host] = hostsOf(world, estate);
  if (!host) throw new Error('the estate has no host');
  return host;
}

/** Brings every instance of the estate to a version, by a deploy task of its own. */
async function brought(estate: TestEstate, version: string): Promise<void> {
  const id = await startedTask(world, estate, { version });
  const ended = await endedTask(world, accepted(await upgrade(estate, id, { version })));
  expect(ended).toMatchObject({ status: 'finished', error: null });
  await eventually(async () => (await taskOf(world, id)).status === 'finished');
}

const message = ({ body }: { body: Record<string, unknown> }): unknown => body['message'];

describe('what is refused before anything is done', () => {
  let estate: TestEstate;
  let other: TestEstate;
  let id: number;
  beforeAll(async () => {
    [estate, other] = [await makeEstate(world, 1), await makeEstate(world, 1)];
    id = await startedTask(world, estate);
  });
  afterEach(async () => {
    expect(await subTasksOf(id)).toEqual([]);
    expect(await instancesOf(estate)).toMatchObject([{ status: 'stopped', busyTaskId: null, version: null }]);
  });

  test('a deploy task that does not run: 10005', async () => {
    const waiting = await makeTask(world, estate);
    expect(outcome(await upgrade(estate, waiting))).toEqual([409, 10005]);
    expect(outcome(await revert(estate, waiting))).toEqual([409, 10005]);
  });

  test('another version than the task: 10005', async () => {
    const answer = await upgrade(estate, id, { version: '2.0.0' });
    expect([...outcome(answer), message(answer)]).toEqual([409, 10005, 'the version of this task is 1.0.0']);
  });

  test('an instance of another application, whose host is not even looked at: 10005', async () => {
    const [foreign = 0] = other.instanceIds;
    for (const instances of [[{ id: foreign }], [...estate.instanceIds.map((one) => ({ id: one })), { id: foreign }]]) {
      const answer = await upgrade(estate, id, { instances, update_source: '/etc/hostname' });
      expect(outcome(answer)).toEqual([409, 10005]);
      expect(message(answer)).toBe(`instance ${foreign} does not belong to the application`);
    }
    expect(outcome(await upgrade(estate, id, { instances: [{ id: 10 ** 12 }] }))).toEqual([409, 10005]);
    expect(await instancesOf(other)).toMatchObject([{ busyTaskId: null }]);
  });

  test('no instance, one twice, a timeout out of range: 10001', async () => {
    const [one = 0] = estate.instanceIds;
    expect(outcome(await upgrade(estate, id, { instances: [] }))).toEqual([400, 10001]);
    expect(outcome(await upgrade(estate, id, { instances: [{ id: one }, { id: one }] }))).toEqual([400, 10001]);
    expect(outcome(await revert(estate, id, { instances: [{ id: one }, { id: one }] }))).toEqual([400, 10001]);
    for (const timeout of [0, -1, 86_401, 1.5])
      expect([timeout, ...outcome(await upgrade(estate, id, { timeout }))]).toEqual([timeout, 400, 10001]);
  });

  test('another package than the approved one: 10005 naming its checksum', async () => {
    await placePackage(world, estate, '6.6.6');
    const answer = await upgrade(estate, id, { update_source: packagePath('6.6.6') });
    expect(outcome(answer)).toEqual([409, 10005]);
    expect(message(answer)).toMatch(/not the package that was approved: sha256 [0-9a-f]{64}/);
    expect(outcome(await upgrade(estate, id, { update_source: '/packages/none.tar.gz' }))).toEqual([409, 10005]);
  });

  test('a version to revert to that is not kept: 10005 listing those kept', async () => {
    const [one = 0] = estate.instanceIds;
    const answer = await revert(estate, id, { version: '0.9.0' });
    expect([...outcome(answer), message(answer)]).toEqual([
      409,
      10005,
      `version 0.9.0 is not kept; kept versions: ${one}: none`,
    ]);
  });

  test('who is not the owner, or lacks deploy_app: 10003', async () => {
    const colleague = await world.user({ application: { [estate.applicationId]: ['view_app', 'deploy_app'] } });
    expect(outcome(await upgrade({ ...estate, manager: colleague }, id))).toEqual([403, 10003]);
    expect(outcome(await upgrade({ ...estate, manager: estate.reviewer }, id))).toEqual([403, 10003]);
  });
});

test('an instance that is busy is refused with 10005 naming its task, and close waits for it', async () => {
  const estate = await makeEstate(world, 1);
  await setHooks(world, estate, {
    pre_exec: await makeScript(world, 'while [ ! -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.1; done'),
  });
  const id = await startedTask(world, estate);
  const subTask = accepted(await upgrade(estate, id));
  const [one = 0] = estate.instanceIds;
  const again = await upgrade(estate, id);
  expect([...outcome(again), message(again)]).toEqual([409, 10005, `instance ${one} is busy with task ${subTask}`]);
  expect(await instancesOf(estate)).toMatchObject([{ status: 'updating', busyKind: 'upgrade', busyTaskId: subTask }]);
  const close = await act(estate.manager, id, 'close');
  expect([...outcome(close), message(close)]).toEqual([409, 10005, `sub-task ${subTask} is running`]);
  hostOf(estate).write('go', '');
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished' });
  expect(await instancesOf(estate)).toMatchObject([{ status: 'running', busyKind: null, busyTaskId: null }]);
});

test('fifty upgrades of one instance at once: one is accepted, 49 are refused with 10005', async () => {
  const estate = await makeEstate(world, 1);
  // The one that is accepted must not be over before the last has asked.
  const untilGo = 'while [ ! -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.1; done';
  await setHooks(world, estate, { pre_exec: await makeScript(world, untilGo) });
  const id = await startedTask(world, estate);
  const answers = await Promise.all(Array.from({ length: 50 }, () => upgrade(estate, id)));
  hostOf(estate).write('go', '');
  const codes = answers.map((answer) => outcome(answer).join(' ')).sort();
  expect(codes).toEqual(['202 0', ...Array.from({ length: 49 }, () => '409 10005')]);
  const [only, ...more] = await subTasksOf(id);
  expect(more).toEqual([]);
  await endedTask(world, only?.id ?? 0);
  expect(hostOf(estate).calls).toEqual(['start 1.0.0']);
});

describe('the timeout of a sub-task', () => {
  const hang = 'echo $$ > "$SLIPWAY_HOST_ROOT/hook.pid"; echo hanging; sleep 600';

  test.each(['pre_exec', 'post_exec', 'global_pre_exec'] as const)(
    'kills what runs in %s on the host and takes back what was done',
    async (hook) => {
      const estate = await makeEstate(world, 1);
      const host = hostOf(estate);
      await brought(estate, '1.0.0');
      await setHooks(world, estate, { [hook]: await makeScript(world, hang) });
      const id = await startedTask(world, estate, { version: '2.0.0' });
      // The slow machine of a busy run must have come as far as the hook by then.
      const timeout = hook === 'post_exec' ? 15 : 6;
      const subTask = accepted(await upgrade(estate, id, { version: '2.0.0', timeout }));
      await eventually(() => host.lines('hook.pid').length === 1, { timeout: 20_000 });
      const pid = Number(host.lines('hook.pid')[0]);
      expect(isAlive(pid)).toBe(true);
      const ended = await endedTask(world, subTask);
      expect(ended.status).toBe('failed');
      expect(isAlive(pid)).toBe(false);
      const [result] = await resultsOf(world, subTask);
      expect(`${ended.error} ${result?.message}`).toContain(`timed out after ${timeout} s`);
      if (hook !== 'global_pre_exec') expect(result?.step).toBe(hook);
      expect([host.current, host.releases, host.runs]).toEqual(['releases/1.0.0', ['1.0.0'], true]);
      expect(await instancesOf(estate)).toMatchObject([{ status: 'running', version: '1.0.0', busyTaskId: null }]);
      const output = await world.db
        .selectFrom('taskOutput')
        .select(['text', 'step'])
        .where('taskId', '=', subTask)
        .execute();
      expect(output).toContainEqual({ text: 'hanging', step: hook });
      expect(output).toContainEqual({ text: 'cancelled: the command was killed', step: hook });
    },
  );
});

describe('going back', () => {
  test('a revert switches to a kept release; keep_backups of them are kept, older ones are dropped', async () => {
    const estate = await makeEstate(world, 1);
    await world.db
      .updateTable('deploySettings')
      .set({ keepBackups: 1 })
      .where('applicationId', '=', estate.applicationId)
      .execute();
    const host = hostOf(estate);
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await brought(estate, version);
    expect(host.releases).toEqual(['2.0.0', '3.0.0']);
    expect(await instancesOf(estate)).toMatchObject([{ version: '3.0.0', releases: ['3.0.0', '2.0.0'] }]);
    const id = await startedTask(world, estate, { version: '4.0.0' });
    const [one = 0] = estate.instanceIds;
    const gone = await revert(estate, id, { version: '1.0.0' });
    expect([...outcome(gone), message(gone)]).toEqual([
      409,
      10005,
      `version 1.0.0 is not kept; kept versions: ${one}: 3.0.0, 2.0.0`,
    ]);
    const subTask = accepted(await revert(estate, id, { version: '2.0.0' }));
    expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished', kind: 'revert' });
    expect([host.current, host.runs]).toEqual(['releases/2.0.0', true]);
    expect(await instancesOf(estate)).toMatchObject([
      { version: '2.0.0', status: 'running', releases: ['2.0.0', '3.0.0'] },
    ]);
    expect(host.calls.slice(-2)).toEqual(['stop', 'start 2.0.0']);
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'failed' });
  });
});

describe('hooks', () => {
  test('a failing global_pre_exec touches no instance', async () => {
    const estate = await makeEstate(world, 2);
    await setHooks(world, estate, { global_pre_exec: await makeScript(world, 'exit 4') });
    const id = await startedTask(world, estate);
    const ended = await endedTask(world, accepted(await upgrade(estate, id)));
    expect(ended).toMatchObject({ status: 'failed', error: 'global_pre_exec: exit status 4' });
    for (const host of hostsOf(world, estate))
      expect([host.calls, host.releases, host.current]).toEqual([[], [], null]);
    for (const instance of await instancesOf(estate))
      expect(instance).toMatchObject({ status: 'stopped', busyTaskId: null });
    for (const result of await resultsOf(world, ended.id)) expect(result).toMatchObject({ status: 'failed' });
  });

  test('one instance that fails leaves the others, and global_post_exec is left out', async () => {
    const estate = await makeEstate(world, 2);
    const [first, second] = hostsOf(world, estate);
    await setHooks(world, estate, {
      post_exec: await makeScript(world, `[ "{{ instance.hostname }}" != "${estate.hostnames[1] ?? ''}" ]`),
      global_post_exec: await makeScript(world, 'touch "$SLIPWAY_HOST_ROOT/all-done"'),
    });
    const id = await startedTask(world, estate);
    const ended = await endedTask(world, accepted(await upgrade(estate, id)));
    expect((await resultsOf(world, ended.id)).map(({ status }) => status)).toEqual(['finished', 'failed']);
    expect([first?.current, second?.current]).toEqual(['releases/1.0.0', null]);
    expect(first?.lines('all-done')).toEqual([]);
    expect((await taskOf(world, id)).status).toBe('running');
  });

  test('see what the template promises, in bash and in python', async () => {
    const estate = await makeEstate(world, 1);
    await brought(estate, '1.0.0');
    const template =
      '{{ application.full_name }}|{{ instance.hostname }}|{{ host.name }}|{{ task.level }}|{{ task.creator }}|' +
      '{{ version }}|{{ previous_version }}|{{ deploy_path }}';
    await setHooks(world, estate, {
      pre_exec: await makeScript(world, `import sys\nprint("py " + """${template}""")\nsys.exit(0)\n`, 'python'),
      post_exec: await makeScript(world, `echo 'sh ${template}'`),
    });
    const id = await startedTask(world, estate, { version: '2.0.0' });
    const subTask = accepted(await upgrade(estate, id, { version: '2.0.0' }));
    expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished' });
    const [hostname = ''] = estate.hostnames;
    const path = hostOf(estate).at('srv/web');
    const expected = `${estate.name}|${hostname}|${hostname}|I|${estate.manager.username}|2.0.0|1.0.0|${path}`;
    const output = await world.db
      .selectFrom('taskOutput')
      .select(['step', 'text'])
      .where('taskId', '=', subTask)
      .where('step', 'in', ['pre_exec', 'post_exec'])
      .where('stream', '=', 'stdout')
      .orderBy('seq')
      .execute();
    expect(output).toEqual([
      { step: 'pre_exec', text: `py ${expected}` },
      { step: 'post_exec', text: `sh ${expected}` },
    ]);
  });

  test('an unknown name keeps the task from being created: 10001 naming script, line and name', async () => {
    const estate = await makeEstate(world, 1);
    const script = await makeScript(world, 'echo one\n\necho {{ host.nmae }}');
    const { name } = await world.db
      .selectFrom('deployScripts')
      .select('name')
      .where('id', '=', script)
      .executeTakeFirstOrThrow();
    await setHooks(world, estate, { post_exec: script });
    const source = await placePackage(world, estate, '1.0.0');
    const answer = await estate.manager.post('/application/deploy-tasks/', {
      application_id: estate.applicationId,
      version: '1.0.0',
      level: 'A',
      package_source: source,
      planned_exec_time: 0,
    });
    expect(outcome(answer)).toEqual([400, 10001]);
    expect(answer.body['details']).toEqual([
      { field: 'lifecycle_hooks.post_exec', message: expect.stringContaining(`script "${name}", line 3`) as string },
    ]);
    expect(JSON.stringify(answer.body['details'])).toContain('nmae');
    const tasks = await world.db
      .selectFrom('deployTasks')
      .select('id')
      .where('applicationId', '=', estate.applicationId)
      .execute();
    expect(tasks).toEqual([]);
  });

  test('a script edited while its sub-task runs keeps the text it started with', async () => {
    const estate = await makeEstate(world, 1);
    const wait = 'while [ ! -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.1; done';
    const late = await makeScript(world, 'echo as approved');
    await setHooks(world, estate, { pre_exec: await makeScript(world, wait), post_exec: late });
    const id = await startedTask(world, estate);
    const subTask = accepted(await upgrade(estate, id));
    await world.db
      .updateTable('deployScripts')
      .set({ content: 'echo edited; exit 1' })
      .where('id', '=', late)
      .execute();
    writeFileSync(hostOf(estate).at('go'), '');
    expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished' });
    const lines = await world.db
      .selectFrom('taskOutput')
      .select('text')
      .where('taskId', '=', subTask)
      .where('step', '=', 'post_exec')
      .execute();
    expect(lines).toEqual([{ text: 'as approved' }]);
  });

  test('run as the user of the hook, else of all hooks, else of the settings, else of the application', async () => {
    const estate = await makeEstate(world, 1);
    const script = await makeScript(world, 'id -un');
    const plannedUsers = async (): Promise<unknown[]> => {
      const id = await makeTask(world, estate);
      const { body } = await estate.manager.get<{ hooks: { running_user: string }[] }>(taskPath(id, 'plan/'));
      return body.hooks.map(({ running_user: user }) => user);
    };
    const own = { pre_exec: { running_user: 'of-hook', script: { id: script } } };
    await setHooks(world, estate, { post_exec: script }, { ...own, running_user: 'of-all' });
    expect(await plannedUsers()).toEqual(['of-hook', 'of-all']);
    await world.db
      .updateTable('deploySettings')
      .set({ scriptRunningUser: 'of-settings' })
      .where('applicationId', '=', estate.applicationId)
      .execute();
    await setHooks(world, estate, { post_exec: script });
    expect(await plannedUsers()).toEqual(['of-settings']);
    await world.db
      .updateTable('deploySettings')
      .set({ scriptRunningUser: null })
      .where('applicationId', '=', estate.applicationId)
      .execute();
    expect(await plannedUsers()).toEqual([userInfo().username]);
    const id = await startedTask(world, estate);
    const subTask = accepted(await upgrade(estate, id));
    await endedTask(world, subTask);
    const lines = await world.db
      .selectFrom('taskOutput')
      .select('text')
      .where('taskId', '=', subTask)
      .where('step', '=', 'post_exec')
      .execute();
    expect(lines).toEqual([{ text: userInfo().username }]);
  });
});

test('a host out of reach is shown as what the sub-task waits for, and goes on when it is back', async () => {
  const estate = await makeEstate(world, 2);
  const [, second] = hostsOf(world, estate);
  const id = await startedTask(world, estate);
  rmSync(second?.root ?? '', { recursive: true });
  const subTask = accepted(await upgrade(estate, id, { timeout: 60 }));
  const path = taskPath(id, `sub-upgrade-tasks/${subTask}/`);
  const waiting = await eventually(
    async () => {
      const { body } = await estate.manager.get<{ waiting_on: { kind: string; text: string } | null }>(path);
      return body.waiting_on?.text.includes('no answer') ? body.waiting_on : false;
    },
    { timeout: 20_000 },
  );
  expect(waiting).toMatchObject({ kind: 'host', text: expect.stringContaining(estate.hostnames[1] ?? '') as string });
  await placePackage(world, { ...estate, hostnames: estate.hostnames.slice(1) }, '1.0.0');
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished' });
  expect(second?.current).toBe('releases/1.0.0');
});
