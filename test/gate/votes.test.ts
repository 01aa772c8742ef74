// Four eyes on the real engine: in whose seat a vote is cast, what it is worth at the start, and which plan it is for.
import type { TestUser } from '../support/api/app.ts';
import { eventually, unique } from '../support/harness.ts';
import { makeApplication } from '../support/api/app.ts';
import { makeEstate, makeTask, taskOf, testWorld } from '../support/world.ts';
import type { TaskWish, TestEstate, World } from '../support/world.ts';
import { act, approveSeen, outcome, reviewers, taskPath, traces } from '../support/deploy/acts.ts';
import { makePolicy, roleOf } from '../support/deploy/policies.ts';

let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld();
  admin = await world.user({ admin: true });
});
afterAll(() => world.close());

const statusOf = async (id: number): Promise<string> => (await taskOf(world, id)).status;
const viewer = ({ applicationId }: TestEstate): Promise<TestUser> =>
  world.user({ application: { [applicationId]: ['view_app'] } });
const awaits = async (user: TestUser): Promise<number[]> => {
  const { body } = await user.get<{ results: { id: number }[] }>('/application/deploy-tasks/?awaiting_me=true');
  return body.results.map(({ id }) => id);
};
const mayApprove = async (user: TestUser, id: number): Promise<boolean> => {
  const { body } = await user.get<{ available_actions: { approve: boolean } }>(taskPath(id));
  return body.available_actions.approve;
};
const lose = async ({ id }: TestUser): Promise<void> => {
  await world.db.deleteFrom('grants').where('userId', '=', id).execute();
  await world.db.deleteFrom('userRoles').where('userId', '=', id).execute();
};
const setStatus = async ({ id }: TestUser, status: 'enabled' | 'disabled'): Promise<void> => {
  await world.db.updateTable('users').set({ status }).where('id', '=', id).execute();
};

describe('a delegate sits in the seat of the giver', () => {
  const kinds: [string, (estate: TestEstate) => Promise<TestUser>][] = [
    ['anybody', (estate) => Promise.resolve(estate.reviewer)],
    [
      'a role',
      async (estate) => {
        const { id, members } = await roleOf(world, estate, 2);
        await makePolicy(admin, estate, { steps: [{ groups: [{ role: id, count: 2 }] }] });
        return members[0] as TestUser;
      },
    ],
    [
      'listed users',
      async (estate) => {
        const [other] = await reviewers(world, estate, 1);
        const users = [estate.reviewer.id, other?.id];
        await makePolicy(admin, estate, { steps: [{ groups: [{ users, count: 2 }] }] });
        return estate.reviewer;
      },
    ],
  ];

  test.each(kinds)('in a group of %s: one holder and a delegate are one vote', async (_name, prepare) => {
    const estate = await makeEstate(world, 1);
    const giver = await prepare(estate);
    const id = await makeTask(world, estate, { level: 'S' });
    const delegate = await viewer(estate);
    expect(outcome(await act(giver, id, 'delegate', { user_id: delegate.id }))).toEqual([200, 0]);
    expect([await awaits(delegate), await mayApprove(delegate, id)]).toEqual([[id], true]);
    expect(outcome(await act(delegate, id, 'approve'))).toEqual([200, 0]);
    expect([await awaits(giver), await mayApprove(giver, id)]).toEqual([[], false]);
    expect(outcome(await act(giver, id, 'approve'))).toEqual([409, 10005]);
    expect(await statusOf(id)).toBe('wait_review');
    expect((await traces(world, id)).votes).toHaveLength(1);
  });

  test('and the creator, holding the right, has no seat to hand on', async () => {
    const estate = await makeEstate(world, 1);
    await world.db
      .insertInto('grants')
      .values({
        userId: estate.manager.id,
        roleId: null,
        scope: 'application',
        objectId: estate.applicationId,
        permission: 'review_app_deploy_task',
      })
      .execute();
    const id = await makeTask(world, estate);
    const delegate = await viewer(estate);
    await act(estate.manager, id, 'delegate', { user_id: delegate.id });
    expect([await awaits(delegate), await mayApprove(delegate, id)]).toEqual([[], false]);
    expect(outcome(await act(delegate, id, 'approve'))).toEqual([403, 10003]);
    expect(await statusOf(id)).toBe('wait_review');
  });
});

describe('a delegation counts while each giver in the chain is enabled and holds the right', () => {
  const losses: [string, (giver: TestUser) => Promise<void>][] = [
    ['loses the right', lose],
    ['is disabled', (giver) => setStatus(giver, 'disabled')],
  ];

  test.each(losses)('and no longer when the giver %s', async (_name, loss) => {
    const estate = await makeEstate(world, 1);
    const [other] = await reviewers(world, estate, 1);
    const id = await makeTask(world, estate, { level: 'S' });
    const delegate = await viewer(estate);
    expect(outcome(await act(estate.reviewer, id, 'delegate', { user_id: delegate.id }))).toEqual([200, 0]);
    await loss(estate.reviewer);
    for (const action of ['approve', 'reject', 'close'] as const)
      expect([action, ...outcome(await act(delegate, id, action))]).toEqual([action, 403, 10003]);
    expect([await awaits(delegate), await mayApprove(delegate, id)]).toEqual([[], false]);
    expect(outcome(await act(other as TestUser, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('wait_review');
  });

  test('handing on needs the right itself, for a review and for the ownership', async () => {
    const estate = await makeEstate(world, 1);
    const [delegate, third] = [await viewer(estate), await viewer(estate)];
    const id = await makeTask(world, estate);
    expect(outcome(await act(estate.reviewer, id, 'delegate', { user_id: delegate.id }))).toEqual([200, 0]);
    expect(outcome(await act(delegate, id, 'delegate', { user_id: third.id }))).toEqual([403, 10003]);
    expect(outcome(await act(delegate, id, 'approve'))).toEqual([200, 0]);
    expect(outcome(await act(estate.manager, id, 'delegate', { user_id: delegate.id }))).toEqual([200, 0]);
    expect(outcome(await act(delegate, id, 'delegate', { user_id: third.id }))).toEqual([403, 10003]);
  });

  test('a chain from before that passes somebody without the right gives nothing', async () => {
    const estate = await makeEstate(world, 1);
    const [middle, last] = [await viewer(estate), await viewer(estate)];
    const id = await makeTask(world, estate, { level: 'S' });
    const link = { kind: 'deploy_task' as const, requestId: id, phase: 'review' as const };
    await world.db
      .insertInto('delegations')
      .values([
        { ...link, fromId: estate.reviewer.id, toId: middle.id },
        { ...link, fromId: middle.id, toId: last.id },
      ])
      .execute();
    expect(outcome(await act(last, id, 'approve'))).toEqual([403, 10003]);
    expect([await awaits(last), await awaits(middle)]).toEqual([[], [id]]);
  });

  test('in a chain of holders the last may sit in each of their seats, and no seat holds two votes', async () => {
    const estate = await makeEstate(world, 1);
    const [second] = (await reviewers(world, estate, 1)) as [TestUser];
    const last = await viewer(estate);
    const id = await makeTask(world, estate, { level: 'S' });
    expect(outcome(await act(estate.reviewer, id, 'delegate', { user_id: second.id }))).toEqual([200, 0]);
    expect(outcome(await act(second, id, 'delegate', { user_id: last.id }))).toEqual([200, 0]);
    expect(outcome(await act(second, id, 'approve'))).toEqual([200, 0]);
    expect(outcome(await act(last, id, 'approve'))).toEqual([200, 0]);
    await eventually(async () => (await statusOf(id)) === 'approved');
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([409, 30001]);
  });
});

/** A task that was approved by this reviewer. */
async function approvedBy(estate: TestEstate, reviewer: TestUser, wish: TaskWish = {}): Promise<number> {
  const id = await makeTask(world, estate, wish);
  expect(outcome(await act(reviewer, id, 'approve'))).toEqual([200, 0]);
  expect(await statusOf(id)).toBe('approved');
  return id;
}

/** The start is refused saying why, which the task shows, and its votes are void. */
async function goesBack(estate: TestEstate, id: number, why: string): Promise<void> {
  const answer = await act(estate.manager, id, 'start');
  expect(outcome(answer)).toEqual([409, 10005]);
  expect(answer.body['message']).toContain(why);
  expect(await taskOf(world, id)).toMatchObject({ status: 'wait_review', planRound: 2 });
  const { body } = await estate.manager.get<{ waiting_on: { text: string }; approvals: { given: unknown[] } }>(
    taskPath(id),
  );
  expect(body.approvals.given).toEqual([]);
  expect(body.waiting_on.text).toContain(why);
  const { events, audit } = await traces(world, id);
  expect(events.at(-1)).toMatchObject({ event: 'sent_back', by: 'system' });
  expect(events.at(-1)?.reason).toContain(why);
  expect(audit.at(-1)?.detailEn).toContain(why);
}

describe('votes are weighed again at the start, by what the voters are then', () => {
  const losses: [string, (estate: TestEstate, voter: TestUser) => Promise<unknown>][] = [
    ['is disabled', (_estate, voter) => setStatus(voter, 'disabled')],
    ['is no reviewer any more', (_estate, voter) => lose(voter)],
  ];

  test.each(losses)('one whose voter %s sends the task back, and it starts after another vote', async (_n, loss) => {
    const estate = await makeEstate(world, 1);
    const [other] = (await reviewers(world, estate, 1)) as [TestUser];
    const id = await approvedBy(estate, estate.reviewer);
    await loss(estate, estate.reviewer);
    await goesBack(estate, id, `votes of ${estate.reviewer.username} no longer count`);
    expect(outcome(await approveSeen(world, other, id))).toEqual([200, 0]);
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
    expect((await taskOf(world, id)).trouble).toBeNull();
  });

  test('one whose voter has left the role that was asked sends it back', async () => {
    const estate = await makeEstate(world, 1);
    const { id: role, name, members } = await roleOf(world, estate, 1);
    await makePolicy(admin, estate, { steps: [{ groups: [{ role }] }] });
    const [member] = members as [TestUser];
    const id = await approvedBy(estate, member);
    await world.db.deleteFrom('userRoles').where('userId', '=', member.id).execute();
    await world.db
      .insertInto('grants')
      .values({
        userId: member.id,
        roleId: null,
        scope: 'application',
        objectId: estate.applicationId,
        permission: 'review_app_deploy_task',
      })
      .execute();
    await goesBack(estate, id, `1 more of role ${name}`);
  });

  test('one of a delegate whose giver has lost the right sends it back', async () => {
    const estate = await makeEstate(world, 1);
    const delegate = await viewer(estate);
    const id = await makeTask(world, estate);
    expect(outcome(await act(estate.reviewer, id, 'delegate', { user_id: delegate.id }))).toEqual([200, 0]);
    expect(outcome(await act(delegate, id, 'approve'))).toEqual([200, 0]);
    await lose(estate.reviewer);
    await goesBack(estate, id, `votes of ${delegate.username} no longer count`);
  });

  test('before each batch of a rollout as well: it stops in review, and goes on with what is left', async () => {
    const estate = await makeEstate(world, 2);
    const [other] = (await reviewers(world, estate, 1)) as [TestUser];
    const strategy = { mode: 'rolling', batch_size: 1, pause_seconds: 3 };
    const id = await approvedBy(estate, estate.reviewer, { strategy });
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
    await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, { timeout: 60_000 });
    await setStatus(estate.reviewer, 'disabled');
    await eventually(async () => (await statusOf(id)) === 'wait_review', { timeout: 60_000 });
    expect((await traces(world, id)).events.at(-1)).toMatchObject({ event: 'sent_back' });
    const tasks = () => world.db.selectFrom('tasks').select('id').where('deployTaskId', '=', id).execute();
    expect(await tasks()).toHaveLength(1);
    expect(outcome(await approveSeen(world, other, id))).toEqual([200, 0]);
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
    await eventually(async () => (await statusOf(id)) === 'finished', { timeout: 60_000 });
    expect(await tasks()).toHaveLength(2);
  }, 180_000);
});

describe('the policy is chosen again at the start', () => {
  test('a task that left its tree for the review is sent back by the policy of the tree', async () => {
    const estate = await makeEstate(world, 1);
    const tree = await makeApplication(world.db, `tree-${unique()}`);
    const into = (parentId: number | null) =>
      world.db.updateTable('applications').set({ parentId }).where('id', '=', estate.applicationId).execute();
    const policy = await makePolicy(admin, { ...estate, applicationId: tree }, { enabled: false, steps: [] });
    const id = await makeTask(world, estate, { level: 'I' });
    await into(tree);
    const steps = [{ groups: [{ count: 1 }] }];
    await world.db
      .updateTable('approvalPolicies')
      .set({
        enabled: true,
        steps: JSON.stringify(steps.map(() => ({ groups: [{ role: null, users: null, count: 1 }] }))),
      })
      .where('id', '=', policy)
      .execute();
    await goesBack(estate, id, 'applies now; missing: 1 more by holders of review_app_deploy_task');
    expect(outcome(await approveSeen(world, estate.reviewer, id))).toEqual([200, 0]);
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
  });

  test('one that requests no more than was granted, or less, has no effect', async () => {
    const estate = await makeEstate(world, 1);
    const id = await approvedBy(estate, estate.reviewer);
    await makePolicy(admin, estate, { steps: [{ groups: [{ users: [estate.reviewer.id] }] }] });
    await makePolicy(admin, estate, { steps: [] });
    expect(outcome(await act(estate.manager, id, 'start'))).toEqual([200, 0]);
  });

  test('a start without approval is for the role of the policy that applies now', async () => {
    const estate = await makeEstate(world, 1);
    const night = await roleOf(world, estate, 0);
    await makePolicy(admin, estate, { steps: [{ groups: [{ count: 1 }] }], break_glass: night.id });
    await world.db.insertInto('userRoles').values({ userId: estate.manager.id, roleId: night.id }).execute();
    const id = await makeTask(world, estate);
    await makePolicy(admin, estate, { steps: [{ groups: [{ count: 1 }] }] });
    const answer = await act(estate.manager, id, 'start', { break_glass: true, reason: 'down' });
    expect(outcome(answer)).toEqual([409, 10005]);
    expect(await statusOf(id)).toBe('wait_review');
  });
});

describe('the lowest level of a policy', () => {
  test('a task of a lower level is refused with 10001 naming it, when it is made and when it is changed', async () => {
    const estate = await makeEstate(world, 1);
    await makePolicy(admin, estate, { min_level: 'B', steps: [{ groups: [{ count: 1 }] }] });
    for (const level of ['C', 'I'])
      await expect(makeTask(world, estate, { level })).rejects.toThrow(/must be B or above/);
    const id = await makeTask(world, estate, { level: 'B' });
    const before = await taskOf(world, id);
    const answer = await estate.manager.patch(taskPath(id), { level: 'I' });
    expect(outcome(answer)).toEqual([400, 10001]);
    expect(JSON.stringify(answer.body)).toContain('must be B or above');
    expect(await taskOf(world, id)).toEqual(before);
    expect((await estate.manager.patch(taskPath(id), { level: 'S' })).status).toBe(200);
  });

  test('and one that is there already is sent back at its start', async () => {
    const estate = await makeEstate(world, 1);
    const id = await makeTask(world, estate, { level: 'I' });
    await makePolicy(admin, estate, { min_level: 'C', steps: [{ groups: [{ count: 1 }] }] });
    await goesBack(estate, id, 'demands level C or above');
  });
});

describe('a vote names the plan that it is for', () => {
  test('once that has changed: one without plan_hash is refused with 10005, saying what to send', async () => {
    const estate = await makeEstate(world, 1);
    const id = await makeTask(world, estate, { level: 'S' });
    const [first] = (await reviewers(world, estate, 1)) as [TestUser];
    expect(outcome(await act(first, id, 'approve'))).toEqual([200, 0]);
    expect((await estate.manager.patch(taskPath(id), { description: 'another' })).status).toBe(200);
    const answer = await act(first, id, 'approve');
    const { planHash } = await taskOf(world, id);
    expect(outcome(answer)).toEqual([409, 10005]);
    expect(answer.body['message']).toContain(`"plan_hash": "${planHash ?? ''}"`);
    expect((await traces(world, id)).votes.filter(({ round }) => round === 2)).toEqual([]);
    expect(await mayApprove(first, id)).toBe(true);
    expect(outcome(await approveSeen(world, first, id))).toEqual([200, 0]);
  });
});
