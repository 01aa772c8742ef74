// Approval policies on the real engine: groups, steps, races, what a task keeps, a start without approval.
import type { TestUser } from '../support/api/app.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { eventually, unique } from '../support/harness.ts';
import { makeEstate, makeTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { act, outcome, reviewers, signed, taskPath, traces } from '../support/deploy/acts.ts';
import { makePolicy, roleOf } from '../support/deploy/policies.ts';

let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld();
  admin = await world.user({ admin: true });
});
afterAll(() => world.close());

const statusOf = async (id: number): Promise<string> => (await taskOf(world, id)).status;
const detail = async (user: TestUser, id: number) => (await user.get(taskPath(id))).body;
const why = async (user: TestUser, id: number, language = 'en') => {
  const { body } = await user.get<{ you: object }>(taskPath(id, 'explain/'), { 'accept-language': language });
  return body.you;
};
const awaiting = async (user: TestUser): Promise<number[]> => {
  const { body } = await user.get<{ results: { id: number }[] }>('/application/deploy-tasks/?awaiting_me=true');
  return body.results.map(({ id }) => id);
};
const first = (people: TestUser[]): TestUser => {
  const [one] = people;
  if (!one) throw new Error('somebody was asked for');
  return one;
};

describe('fifty votes at once in several groups', () => {
  test('make exactly the votes that every group needs, and no other', async () => {
    const estate = await makeEstate(world, 1);
    const dev = await roleOf(world, estate, 20);
    const ops = await roleOf(world, estate, 20);
    const groups = [{ role: dev.id, count: 2 }, { role: ops.id, count: 3 }, { count: 2 }];
    await makePolicy(admin, estate, { steps: [{ groups }] });
    const id = await makeTask(world, estate);
    const everybody = [...dev.members, ...ops.members, ...(await reviewers(world, estate, 10))];
    const codes = await Promise.all(everybody.map(async (one) => outcome(await act(one, id, 'approve'))[1]));
    expect(codes.filter((code) => code === 0)).toHaveLength(7);
    expect(codes.filter((code) => ![0, 10005, 30001].includes(code))).toEqual([]);
    expect(await statusOf(id)).toBe('approved');
    const voted = (await traces(world, id)).votes.map(({ userId }) => userId);
    expect(new Set(voted).size).toBe(7);
    const ids = (people: TestUser[]) => people.filter((one) => voted.includes(one.id)).length;
    expect(ids(dev.members)).toBeGreaterThanOrEqual(2);
    expect(ids(ops.members)).toBeGreaterThanOrEqual(3);
  }, 60_000);
});

describe('steps in order', () => {
  let estate: TestEstate;
  let id: number;
  let dev: TestUser;
  let ops: TestUser;
  beforeAll(async () => {
    estate = await makeEstate(world, 1);
    const [ofDev, ofOps] = [await roleOf(world, estate, 1), await roleOf(world, estate, 1)];
    [dev, ops] = [first(ofDev.members), first(ofOps.members)];
    const steps = [{ groups: [{ role: ofDev.id }] }, { groups: [{ users: [estate.reviewer.id] }, { role: ofOps.id }] }];
    await makePolicy(admin, estate, { steps });
    id = await makeTask(world, estate);
  });

  test('the task names the missing approvals and approvers, and is in the list of those who can approve', async () => {
    const shown = await detail(estate.manager, id);
    expect(shown['approvals']).toMatchObject({ required: 3, given: [] });
    expect(shown['waiting_on']).toMatchObject({ kind: 'votes', users: [dev.username] });
    expect((shown['approvals'] as { missing: string }).missing).toContain('(step 1 of 2)');
    expect(await Promise.all([dev, ops, estate.reviewer, estate.manager].map(awaiting))).toEqual([[id], [], [], []]);
    expect((await detail(dev, id))['available_actions']).toMatchObject({ approve: true });
    expect((await detail(ops, id))['available_actions']).toMatchObject({ approve: false });
  });

  test('each reviewer gets a single reason, in their language', async () => {
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    const stranger = first(await reviewers(world, estate, 1));
    expect(await why(dev, id)).toEqual({ may_approve: true, why: 'your vote is asked for' });
    expect(await why(ops, id)).toEqual({ may_approve: false, why: 'not your step yet' });
    expect(await why(estate.manager, id)).toEqual({ may_approve: false, why: 'you created it' });
    expect(await why(viewer, id)).toMatchObject({ why: `you lack review_app_deploy_task on ${estate.name}` });
    expect(await why(stranger, id)).toMatchObject({ why: 'you are not in any of the groups that are asked' });
    expect(await why(ops, id, 'zh')).toMatchObject({ why: '尚未轮到您' });
    expect(outcome(await viewer.get(taskPath(id, 'explain/')))).toEqual([200, 0]);
    expect(outcome(await (await world.user()).get(taskPath(id, 'explain/')))).toEqual([404, 10004]);
  });

  test('a vote before its step is refused, then one of each group approves', async () => {
    expect(outcome(await act(ops, id, 'approve'))).toEqual([409, 10005]);
    expect(outcome(await act(dev, id, 'approve'))).toEqual([200, 0]);
    expect(await why(dev, id)).toEqual({ may_approve: false, why: 'you voted already' });
    expect(await Promise.all([dev, ops, estate.reviewer].map(awaiting))).toEqual([[], [id], [id]]);
    expect(outcome(await act(ops, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('wait_review');
    const { body } = await ops.get(taskPath(id, 'explain/'));
    expect(body).toMatchObject({
      step: 2,
      groups: [
        { need: 1, have: [], candidates: [{ id: estate.reviewer.id, username: estate.reviewer.username }] },
        { need: 1, have: [{ user: { id: ops.id } }], candidates: [] },
      ],
    });
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('approved');
    expect((await detail(dev, id))['approvals']).toMatchObject({ required: 3, missing: '' });
  });
});

describe('what a task keeps', () => {
  test('a policy that is changed or deleted after its creation does not affect it', async () => {
    const estate = await makeEstate(world, 1);
    const ops = await roleOf(world, estate, 2);
    const policy = await makePolicy(admin, estate, { steps: [{ groups: [{ role: ops.id, count: 2 }] }] });
    const id = await makeTask(world, estate);
    expect(outcome(await admin.patch(`/approval-policies/${policy}/`, { steps: [] }))).toEqual([200, 0]);
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([403, 10003]);
    expect(outcome(await admin.delete(`/approval-policies/${policy}/`))).toEqual([200, 0]);
    for (const one of ops.members) expect(outcome(await act(one, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('approved');
    const other = await makeTask(world, estate, { version: '2.0.0' });
    expect(outcome(await act(estate.reviewer, other, 'approve'))).toEqual([200, 0]);
  });

  test('another level is another occasion: its policy is chosen then, and a message is weighed by it too', async () => {
    const estate = await makeEstate(world, 1);
    const ops = await roleOf(world, estate, 1);
    const member = first(ops.members);
    await makePolicy(admin, estate, { levels: ['S'], steps: [{ groups: [{ role: ops.id }] }] });
    const id = await makeTask(world, estate);
    expect((await estate.manager.patch(taskPath(id), { level: 'S' })).status).toBe(200);
    const handle = world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
    const { planHash } = await taskOf(world, id);
    const message = {
      decision: 'approve',
      channel: 'chat',
      planHash,
      roles: [ops.id],
      voter: { roles: [ops.id], holds: true, seats: [{ userId: member.id, roles: [ops.id] }] },
    };
    const send = (actor: string) =>
      handle.signal('decide', signed(world, id, { ...message, actor, messageId: unique() }));
    await send(estate.reviewer.username);
    await eventually(async () => (await traces(world, id)).audit.some((one) => one.outcome === 'refused'), {
      timeout: 20_000,
    });
    expect(await statusOf(id)).toBe('wait_review');
    await send(member.username);
    await eventually(async () => (await statusOf(id)) === 'approved', { timeout: 20_000 });
  }, 60_000);

  test('votes that race a change count for the plan that they were given to, or not at all', async () => {
    const estate = await makeEstate(world, 1);
    const ops = await roleOf(world, estate, 8);
    await makePolicy(admin, estate, { steps: [{ groups: [{ role: ops.id, count: 20 }] }], enabled: false });
    await makePolicy(admin, estate, { steps: [{ groups: [{ role: ops.id, count: 8 }] }] });
    const id = await makeTask(world, estate);
    const votes = ops.members.map((one) => act(one, id, 'approve'));
    const [changed, ...answers] = await Promise.all([
      estate.manager.patch(taskPath(id), { description: 'another' }),
      ...votes,
    ]);
    const task = await taskOf(world, id);
    const found = (await traces(world, id)).votes;
    expect(found).toHaveLength(answers.filter(({ status }) => status === 200).length);
    const counted = found.filter(({ round }) => round === task.planRound).length;
    if (changed.status === 200) expect(task.status).toBe(counted === 8 ? 'approved' : 'wait_review');
    else expect(task.status).toBe('approved');
    for (const one of found.filter(({ round }) => round === task.planRound)) expect(one.planHash).toBe(task.planHash);
  }, 60_000);
});

describe('delegated reviews', () => {
  test('count in the place of the one who was listed, once', async () => {
    const estate = await makeEstate(world, 1);
    const other = first(await reviewers(world, estate, 1));
    const helper = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    await makePolicy(admin, estate, { steps: [{ groups: [{ users: [estate.reviewer.id, other.id], count: 2 }] }] });
    const id = await makeTask(world, estate);
    expect(outcome(await act(helper, id, 'approve'))).toEqual([403, 10003]);
    expect(outcome(await act(estate.reviewer, id, 'delegate', { user_id: helper.id }))).toEqual([200, 0]);
    expect(await awaiting(helper)).toEqual([id]);
    expect(outcome(await act(helper, id, 'approve'))).toEqual([200, 0]);
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([409, 10005]);
    expect(outcome(await act(other, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('approved');
  });
});

describe('a start without approval', () => {
  test('is for a member of the role with a reason; the task waits for two to look at it, after its end too', async () => {
    const estate = await makeEstate(world, 1);
    const night = await roleOf(world, estate, 0);
    await makePolicy(admin, estate, { steps: [{ groups: [{ count: 1 }] }], break_glass: night.id });
    const later = Math.floor(Date.now() / 1000) + 3_600;
    const id = await makeTask(world, estate, { planned_exec_time: later });
    const start = (body: object) => act(estate.manager, id, 'start', body);
    expect(outcome(await start({ break_glass: true, reason: 'down' }))).toEqual([403, 10003]);
    await world.db.insertInto('userRoles').values({ userId: estate.manager.id, roleId: night.id }).execute();
    expect(outcome(await start({ break_glass: true }))).toEqual([400, 10001]);
    expect(outcome(await start({ reason: 'down' }))).toEqual([409, 30005]);
    expect(outcome(await start({ break_glass: true, reason: 'the shop is down' }))).toEqual([200, 0]);
    expect(await detail(estate.manager, id)).toMatchObject({
      status: 'running',
      reviewed_later: true,
      waiting_on: { kind: 'votes', users: [admin.username, estate.reviewer.username] },
    });
    expect((await traces(world, id)).events.at(-1)).toMatchObject({ event: 'started', reason: 'the shop is down' });
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
    expect(await awaiting(estate.reviewer)).toEqual([id]);
    expect(outcome(await act(estate.reviewer, id, 'approve', { reason: 'seen' }))).toEqual([200, 0]);
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([409, 30001]);
    const second = first(await reviewers(world, estate, 1));
    expect(outcome(await act(second, id, 'approve'))).toEqual([200, 0]);
    expect(await detail(second, id)).toMatchObject({ status: 'failed', reviewed_later: true, waiting_on: null });
    expect(await awaiting(second)).toEqual([]);
    const { status } = await world.temporal.workflow.getHandle(deployTaskWorkflowId(id)).describe();
    expect(['RUNNING', 'COMPLETED']).toContain(status.name);
  }, 60_000);
});
