import { problems } from '../../workflows/problems/problem.ts';
import { makeEstate, makeTask, placePackage, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { act, outcome, reviewers, taskPath, traces } from '../support/deploy/acts.ts';
import type { Action } from '../support/deploy/acts.ts';
import { eventually } from '../support/harness.ts';
import { problemText } from '../../kit/messages/message.ts';

let world: World;
let estate: TestEstate;
beforeAll(async () => {
  world = await testWorld();
  estate = await makeEstate(world, 1);
});
afterAll(() => world.close());

const statusOf = async (id: number): Promise<string> => (await taskOf(world, id)).status;

describe('fifty reviewers at once', () => {
  test('make one transition with one vote, one event and one audit record; 49 are refused with 30001', async () => {
    const id = await makeTask(world, estate);
    const fifty = await reviewers(world, estate, 50);
    const answers = await Promise.all(fifty.map((one) => act(one, id, 'approve')));
    const codes = answers.map((answer) => outcome(answer).join(' ')).sort();
    expect(codes).toEqual(['200 0', ...Array.from({ length: 49 }, () => '409 30001')]);
    expect(await statusOf(id)).toBe('approved');
    const { votes, events, audit } = await traces(world, id);
    expect(votes).toHaveLength(1);
    expect(events.map(({ event }) => event)).toEqual(['created', 'approved']);
    const approvals = audit.filter(
      ({ outcome: what, detailEn }) => what === 'success' && detailEn.includes('approved'),
    );
    expect(approvals).toHaveLength(1);
  });
});

describe('how many approvals', () => {
  test('level S needs two distinct reviewers; one of them twice is refused with 30001', async () => {
    const id = await makeTask(world, estate, { level: 'S' });
    const [first, second] = await reviewers(world, estate, 2);
    if (!first || !second) throw new Error('two reviewers were asked for');
    expect(outcome(await act(first, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('wait_review');
    expect(outcome(await act(first, id, 'approve'))).toEqual([409, 30001]);
    expect(await statusOf(id)).toBe('wait_review');
    expect(outcome(await act(second, id, 'approve'))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('approved');
    expect((await traces(world, id)).votes.map(({ userId }) => userId)).toEqual([first.id, second.id]);
  });

  test('level I is approved at once and has no votes', async () => {
    const id = await makeTask(world, estate, { level: 'I' });
    expect(await statusOf(id)).toBe('approved');
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([409, 30001]);
    expect((await traces(world, id)).votes).toEqual([]);
  });

  test('the creator may not vote, with every permission and with the role admin', async () => {
    const { applicationId } = estate;
    const everything = { [applicationId]: ['view_app', 'deploy_app', 'review_app_deploy_task'] };
    for (const creator of [await world.user({ application: everything }), await world.user({ admin: true })]) {
      const id = await makeTask(world, { ...estate, manager: creator });
      expect(outcome(await act(creator, id, 'approve'))).toEqual([403, 10003]);
      expect(outcome(await act(creator, id, 'reject'))).toEqual([403, 10003]);
      expect(await statusOf(id)).toBe('wait_review');
      const { votes, audit } = await traces(world, id);
      expect(votes).toEqual([]);
      expect(audit.filter(({ outcome: what }) => what === 'refused')).toHaveLength(2);
    }
  });

  test('who may only view the application is refused with 10003, who may not see it with 10004', async () => {
    const id = await makeTask(world, estate);
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(outcome(await act(viewer, id, 'approve'))).toEqual([403, 10003]);
    expect(outcome(await act(await world.user(), id, 'approve'))).toEqual([404, 10004]);
    expect(await statusOf(id)).toBe('wait_review');
  });
});

describe('votes are bound to the plan', () => {
  test('another plan_hash than the present one is refused with 10005, the present one is taken', async () => {
    const id = await makeTask(world, estate);
    const { planHash } = await taskOf(world, id);
    const other = 'f'.repeat(64);
    expect(outcome(await act(estate.reviewer, id, 'approve', { plan_hash: other }))).toEqual([409, 10005]);
    expect((await traces(world, id)).votes).toEqual([]);
    expect(outcome(await act(estate.reviewer, id, 'approve', { plan_hash: planHash }))).toEqual([200, 0]);
    expect((await traces(world, id)).votes).toEqual([{ userId: estate.reviewer.id, round: 1, planHash }]);
  });

  test('a change voids the votes, makes another plan, and a vote for the old one is refused', async () => {
    const id = await makeTask(world, estate, { level: 'S' });
    const before = await taskOf(world, id);
    expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([200, 0]);
    const another = await placePackage(world, estate, '1.0.1');
    const patched = await estate.manager.patch(taskPath(id), { package_source: another });
    expect(patched.status).toBe(200);
    expect(patched.body['approvals']).toMatchObject({ required: 2, given: [] });
    const after = await taskOf(world, id);
    expect(after).toMatchObject({ status: 'wait_review', planRound: before.planRound + 1 });
    expect(after.planHash).not.toBe(before.planHash);
    expect(outcome(await act(estate.reviewer, id, 'approve', { plan_hash: before.planHash }))).toEqual([409, 10005]);
    expect(outcome(await act(estate.reviewer, id, 'approve', { plan_hash: after.planHash }))).toEqual([200, 0]);
    expect(await statusOf(id)).toBe('wait_review');
  });

  test('a change to another level asks for its number of approvals', async () => {
    const id = await makeTask(world, estate, { level: 'S' });
    expect((await estate.manager.patch(taskPath(id), { level: 'I' })).body).toMatchObject({ status: 'approved' });
    expect(outcome(await estate.manager.patch(taskPath(id), { level: 'A' }))).toEqual([409, 10005]);
  });

  test('only the creator may change a task', async () => {
    const id = await makeTask(world, estate);
    const other = await world.user({ application: { [estate.applicationId]: ['view_app', 'deploy_app'] } });
    expect(outcome(await other.patch(taskPath(id), { description: 'mine now' }))).toEqual([403, 10003]);
    expect(await taskOf(world, id)).toMatchObject({ description: '', planRound: 1 });
  });
});

type Status = 'approved' | 'running' | 'finished' | 'failed' | 'rejected' | 'closed';

/** A task of each status, brought there by its people. */
const makers: Record<Status, () => Promise<number>> = {
  approved: () => makeTask(world, estate, { level: 'I' }),
  running: () => startedTask(world, estate),
  finished: async () => {
    const id = await makers.closed();
    await world.db.updateTable('deployTasks').set({ status: 'finished' }).where('id', '=', id).execute();
    return id;
  },
  failed: async () => {
    const id = await makers.running();
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
    return id;
  },
  rejected: async () => {
    const id = await makeTask(world, estate);
    expect(outcome(await act(estate.reviewer, id, 'reject', { reason: 'not today' }))).toEqual([200, 0]);
    return id;
  },
  closed: async () => {
    const id = await makeTask(world, estate);
    expect(outcome(await act(estate.manager, id, 'close', { reason: 'not needed' }))).toEqual([200, 0]);
    return id;
  },
};

const worded = (name: 'already_approved' | 'already_started' | `request_${'closed' | 'finished' | 'rejected'}`) => ({
  code: problems[name].code,
  en: problemText(name, {}, 'en'),
  zh: problemText(name, {}, 'zh'),
});
const approved = worded('already_approved');
const started = worded('already_started');
const closed = worded('request_closed');
const finished = worded('request_finished');
const rejected = worded('request_rejected');

const refusals: [Status, Partial<Record<Action, { code: number; en: string; zh: string }>>][] = [
  ['approved', { approve: approved, reject: approved }],
  ['running', { approve: approved, reject: approved, start: started }],
  ['finished', { approve: finished, reject: finished, close: finished, start: finished, delegate: finished }],
  ['failed', { approve: finished, reject: finished, close: finished, start: finished, delegate: finished }],
  ['rejected', { approve: rejected, reject: rejected, close: rejected, start: rejected, delegate: rejected }],
  ['closed', { approve: closed, reject: closed, close: closed, start: closed, delegate: closed }],
];

describe.each(refusals)('a task that is %s', (status, expected) => {
  test('refuses with the documented code in both languages, and stays as it is', async () => {
    const id = await makers[status]();
    const before = await taskOf(world, id);
    expect(before.status).toBe(status);
    const actor = (action: string) =>
      ['start', 'close', 'delegate'].includes(action) ? estate.manager : estate.reviewer;
    for (const [action, { code, en, zh }] of Object.entries(expected)) {
      const body = action === 'delegate' ? { user_id: estate.reviewer.id } : undefined;
      const english = await act(actor(action), id, action as Action, body);
      expect([action, english.status, english.body]).toEqual([action, 409, { error_code: code, message: en }]);
      const chinese = await act(actor(action), id, action as Action, body, { 'accept-language': 'zh' });
      expect([action, chinese.body]).toEqual([action, { error_code: code, message: zh }]);
    }
    expect(await taskOf(world, id)).toEqual(before);
    if (status === 'running') await makersEnd(id);
  });
});

async function makersEnd(id: number): Promise<void> {
  await act(estate.manager, id, 'close');
  await eventually(async () => (await statusOf(id)) === 'failed');
}

describe('reasons', () => {
  test('are kept in the history, and one over 1000 characters or with NUL is refused with 10001', async () => {
    const id = await makeTask(world, estate);
    for (const reason of ['x'.repeat(1001), 'a\0b', 7, {}])
      expect([reason, ...outcome(await act(estate.reviewer, id, 'reject', { reason }))]).toEqual([reason, 400, 10001]);
    expect(await statusOf(id)).toBe('wait_review');
    const reason = '不行 "quoted" \u{1f6a7}';
    expect(outcome(await act(estate.reviewer, id, 'reject', { reason }))).toEqual([200, 0]);
    expect((await traces(world, id)).events.at(-1)).toEqual({
      event: 'rejected',
      by: estate.reviewer.username,
      reason,
    });
  });

  test('a reviewer may close, and a task that was closed or rejected has its time of end', async () => {
    const id = await makeTask(world, estate);
    expect(outcome(await act(estate.reviewer, id, 'close'))).toEqual([200, 0]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'closed', finishedTime: expect.any(Date) as Date });
  });
});
