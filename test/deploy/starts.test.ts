import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../kit/host-path.ts';
import { makeEstate, makeTask, packagePath, placePackage, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { created } from '../support/api/inventory.ts';
import { eventually, unique } from '../support/harness.ts';
import { act, approveSeen, outcome, reviewers, taskPath, traces } from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

async function approvedTask(estate: TestEstate, wish: Record<string, unknown> = {}): Promise<number> {
  const id = await makeTask(world, estate, wish);
  expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([200, 0]);
  return id;
}

const start = (estate: TestEstate, id: number, body?: unknown) => act(estate.manager, id, 'start', body);

describe('one running deploy task per application', () => {
  test('of two starts at once one runs, the other is refused with 10005 naming the first', async () => {
    const estate = await makeEstate(world, 1);
    const ids = [await approvedTask(estate), await approvedTask(estate)];
    const answers = await Promise.all(ids.map((id) => start(estate, id)));
    expect(answers.map((answer) => outcome(answer).join(' ')).sort()).toEqual(['200 0', '409 10005']);
    const running = ids[answers.findIndex(({ status }) => status === 200)] ?? 0;
    const refused = ids.find((id) => id !== running) ?? 0;
    const message = `deploy task ${running} of this application is running`;
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ message });
    expect(await taskOf(world, running)).toMatchObject({ status: 'running' });
    expect(await taskOf(world, refused)).toMatchObject({ status: 'approved', startedTime: null });
    // The one that waits may start as soon as the other has ended.
    expect(outcome(await act(estate.manager, running, 'close'))).toEqual([200, 0]);
    expect(outcome(await start(estate, refused))).toEqual([200, 0]);
  });

  test('tasks of two applications run side by side', async () => {
    for (const estate of [await makeEstate(world, 1), await makeEstate(world, 1)]) {
      expect(await taskOf(world, await startedTask(world, estate))).toMatchObject({ status: 'running' });
    }
  });

  test('of twenty starts of one task at once one succeeds, the others are refused with 30001', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedTask(estate);
    const answers = await Promise.all(Array.from({ length: 20 }, () => start(estate, id)));
    const codes = answers.map((answer) => outcome(answer).join(' ')).sort();
    expect(codes).toEqual(['200 0', ...Array.from({ length: 19 }, () => '409 30001')]);
    expect((await traces(world, id)).events.filter(({ event }) => event === 'started')).toHaveLength(1);
  });
});

describe('when a task may start', () => {
  test('before its planned time it is refused with 10005 saying when, and started with force', async () => {
    const estate = await makeEstate(world, 1);
    const planned = Math.floor(Date.now() / 1000) + 3600;
    const id = await approvedTask(estate, { planned_exec_time: planned });
    const early = await start(estate, id);
    expect(outcome(early)).toEqual([409, 10005]);
    expect(early.body['message']).toContain(new Date(planned * 1000).toISOString());
    expect((await estate.manager.get(taskPath(id))).body['waiting_on']).toMatchObject({ kind: 'planned_time' });
    expect(outcome(await start(estate, id, { force: true }))).toEqual([200, 0]);
  });

  test('in review it is refused with 30005', async () => {
    const estate = await makeEstate(world, 1);
    expect(outcome(await start(estate, await makeTask(world, estate)))).toEqual([409, 30005]);
  });

  test('without instances it is refused with 10005', async () => {
    const estate = await makeEstate(world, 0);
    const id = await makeTask(world, estate, { level: 'I' });
    const answer = await start(estate, id);
    expect([...outcome(answer), answer.body['message']]).toEqual([409, 10005, 'the application has no instances']);
  });

  test('with disabled settings it is refused with 10005, and so is another task', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedTask(estate);
    await settings(estate, { enabled: false });
    expect(outcome(await start(estate, id))).toEqual([409, 10005]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'approved', planRound: 1 });
    await expect(makeTask(world, estate)).rejects.toThrow('deploying is disabled');
    await settings(estate, { enabled: true });
    expect(outcome(await start(estate, id))).toEqual([200, 0]);
  });

  test('without a deploy path it is refused with 10005', async () => {
    const estate = await makeEstate(world, 1);
    await world.db.updateTable('applications').set({ directory: '' }).where('id', '=', estate.applicationId).execute();
    const id = await makeTask(world, estate, { level: 'I' });
    const answer = await start(estate, id);
    expect([...outcome(answer), answer.body['message']]).toEqual([409, 10005, 'the application has no deploy path']);
  });
});

const settings = (
  { applicationId }: TestEstate,
  set: { enabled?: boolean; keepBackups?: number; startSeconds?: number; deployPath?: string },
) => world.db.updateTable('deploySettings').set(set).where('applicationId', '=', applicationId).execute();

describe('what changed since the approval', () => {
  const hookTexts = async (estate: TestEstate, id: number): Promise<string[]> => {
    const { body } = await estate.manager.get<{ hook_texts: Record<string, string> }>(taskPath(id, 'plan/'));
    return Object.values(body.hook_texts);
  };

  async function refusedStart(estate: TestEstate, id: number, difference: string): Promise<void> {
    const before = await taskOf(world, id);
    const answer = await start(estate, id);
    expect(outcome(answer)).toEqual([409, 10005]);
    expect(answer.body['message']).toContain(`back in review: ${difference}`);
    const after = await taskOf(world, id);
    expect(after).toMatchObject({ status: 'wait_review', planRound: before.planRound + 1, startedTime: null });
    expect(after.planHash).not.toBe(before.planHash);
    const { body } = await estate.manager.get(taskPath(id));
    expect(body['approvals']).toMatchObject({ given: [] });
    const plan = await estate.manager.get(taskPath(id, 'plan/'));
    expect(plan.body).toMatchObject({ plan_hash: after.planHash, changed_since_approval: difference });
    expect((await traces(world, id)).events.at(-1)).toEqual({
      event: 'plan_changed',
      by: 'system',
      reason: difference,
    });
    // Approved as it is now, it starts.
    expect(outcome(await act(estate.reviewer, id, 'approve', { plan_hash: after.planHash }))).toEqual([200, 0]);
    expect(outcome(await start(estate, id))).toEqual([200, 0]);
  }

  test('a hook edited after the approval sends the task back to review with its votes void', async () => {
    const estate = await makeEstate(world, 1);
    const script = await makeScript(world, 'echo {{ version }}');
    await setHooks(world, estate, { pre_exec: script });
    const id = await approvedTask(estate);
    await world.db.updateTable('deployScripts').set({ content: 'echo worse' }).where('id', '=', script).execute();
    await refusedStart(estate, id, 'hook pre_exec');
    expect(await hookTexts(estate, id)).toEqual(['echo worse']);
  });

  test('a package replaced after the approval does', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedTask(estate);
    await placePackage(world, estate, '9.9.9');
    const [hostname = ''] = estate.hostnames;
    const root = localHostFolder(world.config.dataDir, hostname);
    copyFileSync(join(root, packagePath('9.9.9')), join(root, packagePath('1.0.0')));
    await refusedStart(estate, id, 'the package');
  });

  test('another deploy path, another running user and another instance do', async () => {
    const estate = await makeEstate(world, 1);
    const path = await approvedTask(estate);
    await settings(estate, { deployPath: '/srv/other' });
    await refusedStart(estate, path, 'deploy_path');
    await act(estate.manager, path, 'close');
    const user = await approvedTask(estate);
    await world.db
      .updateTable('applications')
      .set({ runUser: 'daemon' })
      .where('id', '=', estate.applicationId)
      .execute();
    await refusedStart(estate, user, 'run_user');
    await act(estate.manager, user, 'close');
    const instance = await approvedTask(estate);
    await world.db.updateTable('instances').set({ status: 'running' }).where('id', 'in', estate.instanceIds).execute();
    await refusedStart(estate, instance, 'the instances or their versions');
  });

  const templatePath = '/application/deploy-templates/';
  async function linkedTemplate({ applicationId }: TestEstate) {
    const maker = await world.user({
      system: ['enable_deploy_template_mgmt'],
      application: { [applicationId]: ['edit_app'] },
    });
    const hooks = { pre_exec: { script: await makeScript(world, 'echo from the template') } };
    const own = { name: `template-${unique()}`, repository: null, deploy_path: '/srv/template' };
    const body = { ...own, lifecycle_hooks: hooks, applications: [applicationId] };
    const { id } = await created<{ id: number }>(maker, templatePath, body);
    return (change: object) => maker.patch(`${templatePath}${id}/`, change);
  }

  test('a linked template does: plans are made of what it has', async () => {
    const estate = await makeEstate(world, 1);
    const change = await linkedTemplate(estate);
    const id = await approvedTask(estate);
    const plan = await estate.manager.get(taskPath(id, 'plan/'));
    expect(plan.body).toMatchObject({ deploy_path: '/srv/template', keep_backups: 5 });
    expect(await hookTexts(estate, id)).toEqual(['echo from the template']);
    expect((await change({ keep_backups: 1, lifecycle_hooks: null })).status).toBe(200);
    await refusedStart(estate, id, 'keep_backups, hook pre_exec, the instances or their versions');
  });

  test('a template edited during the review voids no vote; the start finds it and goes back to review', async () => {
    const estate = await makeEstate(world, 1);
    const change = await linkedTemplate(estate);
    const id = await makeTask(world, estate, { level: 'S' });
    const [first, second] = await reviewers(world, estate, 2);
    if (!first || !second) throw new Error('there are two reviewers');
    expect(outcome(await act(first, id, 'approve'))).toEqual([200, 0]);
    expect((await change({ deploy_path: '/srv/moved' })).status).toBe(200);
    expect((await traces(world, id)).votes).toHaveLength(1);
    expect(outcome(await act(second, id, 'approve'))).toEqual([200, 0]);
    const answer = await start(estate, id);
    expect([...outcome(answer), answer.body['message']]).toEqual([
      409,
      10005,
      expect.stringContaining('back in review: deploy_path') as unknown,
    ]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'wait_review', planRound: 2 });
    for (const reviewer of [first, second]) {
      expect(outcome(await act(reviewer, id, 'approve'))).toEqual([409, 10005]);
      expect(outcome(await approveSeen(world, reviewer, id))).toEqual([200, 0]);
    }
    expect(outcome(await start(estate, id))).toEqual([200, 0]);
  });

  test('a hook that cannot be rendered any more is refused with 10001 naming script, line and name', async () => {
    const estate = await makeEstate(world, 1);
    const script = await makeScript(world, 'echo one');
    await setHooks(world, estate, { pre_exec: script });
    const id = await approvedTask(estate);
    const content = 'echo one\necho {{ nothing_known }}';
    const { name } = await world.db
      .updateTable('deployScripts')
      .set({ content })
      .where('id', '=', script)
      .returning('name')
      .executeTakeFirstOrThrow();
    const answer = await start(estate, id);
    expect(outcome(answer)).toEqual([400, 10001]);
    expect(answer.body['details']).toEqual([
      { field: 'lifecycle_hooks.pre_exec', message: `script "${name}", line 2: unknown name "nothing_known"` },
    ]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'approved', planRound: 1 });
    await world.db.updateTable('deployScripts').set({ content: 'echo one' }).where('id', '=', script).execute();
    expect(outcome(await start(estate, id))).toEqual([200, 0]);
  });

  test('at level I the change is shown and recorded, and the task starts', async () => {
    const estate = await makeEstate(world, 1);
    const id = await makeTask(world, estate, { level: 'I' });
    const planOf = async () => (await estate.manager.get(taskPath(id, 'plan/'))).body;
    expect(await planOf()).toMatchObject({ start_seconds: 30, stop_seconds: 60 });
    await settings(estate, { keepBackups: 1, startSeconds: 90 });
    expect(outcome(await start(estate, id))).toEqual([200, 0]);
    const { events } = await traces(world, id);
    expect(events.map(({ event }) => event)).toEqual(['created', 'plan_changed', 'started']);
    const changed = 'keep_backups, start_seconds';
    expect(await planOf()).toMatchObject({ changed_since_approval: changed, start_seconds: 90, stop_seconds: 60 });
  });

  test('a package that cannot be read at the start is refused with 10005, the votes stay, and it starts when it is back', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedTask(estate);
    const before = await taskOf(world, id);
    const [hostname = ''] = estate.hostnames;
    const file = join(localHostFolder(world.config.dataDir, hostname), packagePath('1.0.0'));
    renameSync(file, `${file}.away`);
    const answer = await start(estate, id);
    expect(outcome(answer)).toEqual([409, 10005]);
    expect(answer.body['message']).toContain('the package cannot be read: there is no package at');
    const { status, planRound, planHash } = before;
    expect(await taskOf(world, id)).toMatchObject({ status, planRound, planHash });
    const { body } = await estate.manager.get(taskPath(id));
    expect(body['approvals']).toMatchObject({ given: [{ plan_hash: planHash }] });
    renameSync(`${file}.away`, file);
    expect(outcome(await start(estate, id))).toEqual([200, 0]);
  });
});

describe('delegating', () => {
  test('lets a user review this one task, who could not before', async () => {
    const estate = await makeEstate(world, 1);
    const [id, other] = [await makeTask(world, estate), await makeTask(world, estate)];
    const friend = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(outcome(await act(friend, id, 'approve'))).toEqual([403, 10003]);
    expect(outcome(await act(estate.reviewer, id, 'delegate', { user_id: friend.id }))).toEqual([200, 0]);
    expect(outcome(await act(friend, other, 'approve'))).toEqual([403, 10003]);
    expect(outcome(await act(friend, id, 'approve'))).toEqual([200, 0]);
    const { body } = await estate.manager.get(taskPath(id));
    expect(body['delegations']).toEqual([
      {
        from: estate.reviewer.username,
        to: friend.username,
        phase: 'review',
        time: expect.any(String) as string,
      },
    ]);
    expect(body).toMatchObject({ owner: estate.manager.username, status: 'approved' });
  });

  test('hands the ownership on, along a chain that is shown; who gave it away may not start', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedTask(estate);
    const rights = { application: { [estate.applicationId]: ['view_app', 'deploy_app'] } };
    const [second, third] = [await world.user(rights), await world.user(rights)];
    expect(outcome(await act(second, id, 'delegate', { user_id: third.id }))).toEqual([403, 10003]);
    expect(outcome(await act(estate.manager, id, 'delegate', { user_id: second.id }))).toEqual([200, 0]);
    expect(outcome(await start(estate, id))).toEqual([403, 10003]);
    expect(outcome(await act(second, id, 'delegate', { user_id: third.id }))).toEqual([200, 0]);
    expect(outcome(await act(third, id, 'start'))).toEqual([200, 0]);
    const { body } = await estate.manager.get<{ owner: string; delegations: { from: string; to: string }[] }>(
      taskPath(id),
    );
    expect(body.owner).toBe(third.username);
    expect(body.delegations.map(({ from, to }) => [from, to])).toEqual([
      [estate.manager.username, second.username],
      [second.username, third.username],
    ]);
    expect(outcome(await act(third, id, 'delegate', { user_id: estate.manager.id }))).toEqual([200, 0]);
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
  });

  test('of ownership does not give deploy_app', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedTask(estate);
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(outcome(await act(estate.manager, id, 'delegate', { user_id: viewer.id }))).toEqual([200, 0]);
    expect(outcome(await act(viewer, id, 'start'))).toEqual([403, 10003]);
    expect(outcome(await act(viewer, id, 'close'))).toEqual([200, 0]);
  });

  test('to oneself, to the creator in review, to the disabled, to strangers and to nobody is refused with 10001', async () => {
    const estate = await makeEstate(world, 1);
    const id = await makeTask(world, estate);
    const stranger = await world.user();
    const [disabled] = await reviewers(world, estate, 1);
    await world.db
      .updateTable('users')
      .set({ status: 'disabled' })
      .where('id', '=', disabled?.id ?? 0)
      .execute();
    const unfit = [estate.reviewer.id, estate.manager.id, stranger.id, disabled?.id, 10 ** 12, 0, -1, 'x', null];
    for (const userId of unfit) {
      const answer = await act(estate.reviewer, id, 'delegate', { user_id: userId });
      expect([userId, ...outcome(answer)]).toEqual([userId, 400, 10001]);
    }
    expect(outcome(await act(estate.reviewer, id, 'delegate', {}))).toEqual([400, 10001]);
    expect(await world.db.selectFrom('delegations').selectAll().where('requestId', '=', id).execute()).toEqual([]);
    expect(outcome(await act(estate.manager, id, 'delegate', { user_id: estate.reviewer.id }))).toEqual([403, 10003]);
    await eventually(async () => (await taskOf(world, id)).status === 'wait_review');
  });
});
