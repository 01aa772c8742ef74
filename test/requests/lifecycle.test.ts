// What all kinds of resource requests have in common, on the real engine: asking, reviewing, and a fulfilment that stands
// still because no provider is driven yet.
import { sql } from 'kysely';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { outcome } from '../support/deploy/acts.ts';
import type { ApiResponse, TestUser } from '../support/api/app.ts';
import { recordsOf } from '../support/api/inventory.ts';
import { eventually, unique } from '../support/harness.ts';
import { resourceWorkflowId } from '../../workflows/requests/contract.ts';
import { kinds } from './kinds.ts';

interface Shown {
  id: number;
  status: string;
  error: string | null;
  plan_hash: string | null;
  waiting_on: { kind: string; text: string; users: string[] } | null;
  approvals: { required: number; given: { user: string }[] };
  available_actions: Record<string, boolean>;
  history: { event: string; by: string; reason: string | null }[];
}

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const asker = (): Promise<TestUser> => world.user({ system: ['enable_resource_req', 'create_resource_req'] });

describe.each(kinds)('a $kind', ({ kind, path, permission, wish, changed, wrong }) => {
  const approver = (): Promise<TestUser> => world.user({ system: ['enable_resource_req', permission] });
  const at = (id: number, rest = ''): string => `${path}${id}/${rest}`;
  const act = (user: TestUser, id: number, action: string, body?: object): Promise<ApiResponse> =>
    user.post(at(id, `actions/${action}/`), body);
  const shown = async (user: TestUser, id: number): Promise<Shown> => (await user.get<Shown>(at(id))).body;
  async function asked(user: TestUser, body = wish()): Promise<number> {
    const { status, body: made } = await user.post<Shown>(path, body);
    expect([status, made.status]).toEqual([201, 'wait_review']);
    return made.id;
  }
  const planned = (user: TestUser, id: number): Promise<Shown> =>
    eventually(async () => {
      const one = await shown(user, id);
      expect(one.plan_hash).not.toBeNull();
      return one;
    });
  const refused = async (id: number) =>
    (await recordsOf(world.db, kind, id)).filter(({ outcome: what }) => what === 'refused');
  const stopped = (user: TestUser, id: number): Promise<Shown> =>
    eventually(async () => {
      const one = await shown(user, id);
      expect(one.error).not.toBeNull();
      return one;
    });

  test('is approved by somebody else, and then stands still with the reason until somebody closes it', async () => {
    const [me, reviewer] = [await asker(), await approver()];
    const id = await asked(me);
    const mine = await planned(me, id);
    expect(mine.available_actions).toEqual({ edit: true, approve: false, reject: false, close: true, retry: false });
    expect(mine.waiting_on).toMatchObject({ kind: 'votes', users: expect.arrayContaining([reviewer.username]) as [] });
    expect(outcome(await act(me, id, 'approve'))).toEqual([403, 10003]);
    expect(outcome(await act(reviewer, id, 'retry'))).toEqual([409, 10005]);
    expect(outcome(await act(reviewer, id, 'approve', { plan_hash: mine.plan_hash }))).toEqual([200, 0]);
    const still = await stopped(me, id);
    expect(still).toMatchObject({
      status: 'approved',
      approvals: { required: 1, given: [{ user: reviewer.username }] },
    });
    expect(still.error).toContain('not available yet');
    expect(still.waiting_on?.text).toContain('not available yet');
    expect(outcome(await act(reviewer, id, 'approve'))).toEqual([409, 30001]);
    expect(outcome(await act(reviewer, id, 'retry'))).toEqual([200, 0]);
    await eventually(async () => {
      const { history } = await shown(me, id);
      expect(history.filter(({ event }) => event === 'stopped')).toHaveLength(2);
    });
    expect(outcome(await act(me, id, 'close', { reason: 'by hand' }))).toEqual([200, 0]);
    const closed = await shown(me, id);
    expect(closed).toMatchObject({ status: 'closed', waiting_on: null });
    expect(closed.history.map(({ event }) => event)).toEqual([
      'created',
      'approved',
      'stopped',
      'retried',
      'stopped',
      'closed',
    ]);
    for (const action of ['approve', 'reject', 'close'])
      expect(outcome(await act(reviewer, id, action))).toEqual([409, 30002]);
    const records = await recordsOf(world.db, kind, id);
    expect(records.filter(({ outcome: what }) => what === 'success').map(({ opType }) => opType)).toEqual([
      'create',
      'approve',
      'update',
      'retry',
      'update',
      'close',
    ]);
  });

  test('is there for its creator and for approvers, and for nobody else', async () => {
    const [me, reviewer, stranger] = [await asker(), await approver(), await asker()];
    const id = await asked(me);
    for (const rest of ['', 'plan/', 'explain/']) {
      expect((await me.get(at(id, rest))).status).toBe(200);
      expect((await reviewer.get(at(id, rest))).status).toBe(200);
      expect(outcome(await stranger.get(at(id, rest)))).toEqual([404, 10004]);
    }
    expect(outcome(await act(stranger, id, 'close'))).toEqual([404, 10004]);
    const listed = async (user: TestUser, query = ''): Promise<number[]> =>
      (await user.get<{ results: { id: number }[] }>(`${path}${query}`)).body.results.map((one) => one.id);
    expect(await listed(me)).toContain(id);
    expect(await listed(stranger)).not.toContain(id);
    expect(await listed(reviewer, `?creator=${me.username}&status=wait_review`)).toEqual([id]);
    expect(await listed(reviewer, '?awaiting_me=true')).toContain(id);
    expect(await listed(me, '?awaiting_me=true')).toEqual([]);
    expect(await listed(me, '?mine=true')).toEqual([id]);
    expect(outcome(await (await world.user()).post(path, wish()))).toEqual([403, 10003]);
  });

  test('is changed by its creator alone; a change voids the votes and makes another plan', async () => {
    const [me, reviewer] = [await asker(), await approver()];
    const id = await asked(me);
    const before = await planned(me, id);
    expect(outcome(await reviewer.patch(at(id), changed()))).toEqual([403, 10003]);
    const [bad, field] = wrong;
    const refused = await me.patch<{ details: { field: string }[] }>(at(id), bad);
    expect([refused.status, refused.body.details.map((one) => one.field)]).toEqual([400, [field]]);
    expect((await me.patch(at(id), changed())).status).toBe(200);
    const after = await planned(me, id);
    expect(after.plan_hash).not.toBe(before.plan_hash);
    expect(outcome(await act(reviewer, id, 'approve', { plan_hash: before.plan_hash }))).toEqual([409, 10005]);
    expect(outcome(await act(reviewer, id, 'approve'))).toEqual([409, 10005]);
    expect(outcome(await act(reviewer, id, 'reject', { reason: 'too big' }))).toEqual([200, 0]);
    expect(await shown(me, id)).toMatchObject({ status: 'rejected' });
    expect(outcome(await act(reviewer, id, 'approve'))).toEqual([409, 30004]);
    expect(outcome(await me.patch(at(id), changed()))).toEqual([409, 10005]);
  });

  test('asks for what no other open request asks for; once that is closed it may be asked for again', async () => {
    const [me, other] = [await asker(), await asker()];
    const name = unique();
    const first = await asked(me, wish(name));
    const again = await me.post(path, wish(name));
    expect(outcome(again)).toEqual([409, 10005]);
    expect(String(again.body['message'])).toContain(String(first));
    const hidden = await other.post(path, wish(name));
    expect(outcome(hidden)).toEqual([409, 10005]);
    expect(String(hidden.body['message'])).not.toContain(String(first));
    expect(outcome(await act(me, first, 'close'))).toEqual([200, 0]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => other.post(path, wish(name))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  test('goes back to review when its voter may not vote any more, and stands still while its creator may not ask', async () => {
    const [me, reviewer] = [await asker(), await approver()];
    const id = await asked(me);
    const { plan_hash: planHash } = await planned(me, id);
    await act(reviewer, id, 'approve', { plan_hash: planHash });
    await stopped(me, id);
    const second = await approver();
    await world.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', me.id).execute();
    expect(outcome(await act(second, id, 'retry'))).toEqual([200, 0]);
    await eventually(async () => expect((await shown(second, id)).error).toContain('create_resource_req'));
    await world.db.updateTable('users').set({ status: 'enabled' }).where('id', '=', me.id).execute();
    await world.db
      .deleteFrom('grants')
      .where('userId', '=', reviewer.id)
      .where('permission', '=', permission)
      .execute();
    expect(outcome(await act(second, id, 'retry'))).toEqual([200, 0]);
    const back = await eventually(async () => {
      const one = await shown(second, id);
      expect(one.status).toBe('wait_review');
      return one;
    });
    expect(back.history.at(-1)).toMatchObject({ event: 'sent_back', by: 'system' });
    expect(back.approvals.given).toEqual([]);
  });

  test('follows the policy of its kind, and says what would apply', async () => {
    const [me, reviewer, second] = [await asker(), await approver(), await approver()];
    const admin = await world.user({ admin: true });
    const { id: role } = await world.db
      .insertInto('roles')
      .values({ name: `role-${unique()}`, creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    await world.db
      .insertInto('userRoles')
      .values([reviewer, second].map((one) => ({ userId: one.id, roleId: role })))
      .execute();
    const policy = await admin.post<{ id: number }>('/approval-policies/', {
      name: `policy-${unique()}`,
      kind,
      steps: [{ groups: [{ role, count: 2 }] }],
    });
    expect(policy.status).toBe(201);
    try {
      const { body } = await me.post<{ policy: { id: number } }>('/approval-policies/actions/simulate/', { kind });
      expect(body.policy.id).toBe(policy.body.id);
      const id = await asked(me);
      const { plan_hash: planHash } = await planned(me, id);
      expect(outcome(await act(await approver(), id, 'approve', { plan_hash: planHash }))).toEqual([403, 10003]);
      expect(outcome(await act(reviewer, id, 'approve', { plan_hash: planHash }))).toEqual([200, 0]);
      const explained = await second.get<{
        groups: { need: number; have: unknown[] }[];
        you: { may_approve: boolean };
      }>(at(id, 'explain/'));
      expect(explained.body).toMatchObject({ groups: [{ need: 2, have: [{}] }], you: { may_approve: true } });
      expect(outcome(await act(second, id, 'approve', { plan_hash: planHash }))).toEqual([200, 0]);
      expect((await stopped(me, id)).status).toBe('approved');
    } finally {
      await admin.delete(`/approval-policies/${policy.body.id}/`);
    }
  });

  test('takes no update that the API did not seal, and no message without proof', async () => {
    const [me, reviewer] = [await asker(), await approver()];
    const id = await asked(me);
    const { plan_hash: planHash } = await planned(me, id);
    const handle = world.temporal.workflow.getHandle(resourceWorkflowId(kind, id));
    const by = (user: TestUser) => ({ actor: { id: user.id, username: user.username, channel: 'token' } });
    const voter = { roles: [], holds: true, delegators: [], seats: [{ userId: reviewer.id, roles: [] }] };
    const forged = async (update: string, input: object): Promise<void> => {
      await expect(handle.executeUpdate(update, { args: [input] })).rejects.toThrow();
    };
    await forged('approve', { ...by(reviewer), voter, planHash });
    await forged('reject', by(reviewer));
    await forged('close', by(me));
    await forged('change', { ...by(me), fields: { purpose: 'another' } });
    await handle.signal('decide', { decision: 'close', actor: me.username, channel: 'chat', messageId: 'm-1' });
    await eventually(async () => expect(await refused(id)).toHaveLength(5));
    expect(await shown(me, id)).toMatchObject({ status: 'wait_review', plan_hash: planHash, approvals: { given: [] } });
    await act(reviewer, id, 'approve', { plan_hash: planHash });
    await stopped(me, id);
    await forged('retry', by(reviewer));
    expect(await refused(id)).toHaveLength(6);
    expect((await shown(me, id)).history.map(({ event }) => event)).toEqual(['created', 'approved', 'stopped']);
  });

  test('has one transition when fifty approve at once', async () => {
    const me = await asker();
    const id = await asked(me);
    const { plan_hash: planHash } = await planned(me, id);
    const fifty = await Promise.all(Array.from({ length: 50 }, approver));
    const answers = await Promise.all(fifty.map((one) => act(one, id, 'approve', { plan_hash: planHash })));
    const codes = answers.map((answer) => outcome(answer).join(' ')).sort();
    expect(codes).toEqual(['200 0', ...Array.from({ length: 49 }, () => '409 30001')]);
    const { rows } = await sql<{ votes: number }>`
      select count(*) as votes from votes where kind = ${kind} and request_id = ${id}`.execute(world.db);
    expect(rows).toEqual([{ votes: 1 }]);
  });
});
