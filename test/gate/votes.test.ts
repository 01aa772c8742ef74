// Four eyes on the real engine: in whose seat a vote is cast, what it is worth at the start, and which plan it is for.
import type { TestUser } from '../api/app.ts';
import { eventually } from '../harness.ts';
import { makeEstate, makeTask, taskOf, testWorld } from '../world.ts';
import type { TestEstate, World } from '../world.ts';
import { act, outcome, reviewers, taskPath, traces } from '../deploy/acts.ts';
import { makePolicy, roleOf } from '../deploy/policies.ts';

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
        ...{ userId: estate.manager.id, roleId: null, scope: 'application', objectId: estate.applicationId },
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
