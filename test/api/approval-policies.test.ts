// Approval policies through the API: who may change them, what is refused, which one applies, and who could vote.
import { testApp, makeApplication } from '../support/api/app.ts';
import type { TestApp, TestUser } from '../support/api/app.ts';
import { unique } from '../support/harness.ts';

let api: TestApp;
let admin: TestUser;
let reviewer: TestUser;
let application: number;
let child: number;
beforeAll(async () => {
  api = await testApp();
  admin = await api.user({ admin: true });
  application = await makeApplication(api.db);
  child = await makeApplication(api.db);
  await api.db.updateTable('applications').set({ parentId: application }).where('id', '=', child).execute();
  reviewer = await api.user({
    application: { [application]: ['review_app_deploy_task'], [child]: ['review_app_deploy_task'] },
  });
});
afterAll(() => api.close());

const root = '/approval-policies/';
const fields = (more: Record<string, unknown> = {}) => ({
  name: `policy ${unique()}`,
  kind: 'deploy_task',
  application,
  steps: [{ groups: [{}] }],
  ...more,
});
const make = async (more: Record<string, unknown> = {}): Promise<number> => {
  const { status, body } = await admin.post<{ id: number }>(root, fields(more));
  expect([status, body]).toEqual([201, expect.anything()]);
  return body.id;
};
const refusal = async (more: Record<string, unknown>) => {
  const { status, body } = await admin.post(root, fields(more));
  const [detail] = (body['details'] ?? []) as { field: string; message: string }[];
  return [status, body['error_code'], detail?.field];
};
const role = async (members: TestUser[] = []): Promise<number> => {
  const { id } = await api.db
    .insertInto('roles')
    .values({ name: `role-${unique()}`, creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const { id: userId } of members) await api.db.insertInto('userRoles').values({ userId, roleId: id }).execute();
  return id;
};
const simulate = async (more: Record<string, unknown>) =>
  (
    await reviewer.post<{ policy: { id: number | null; name: string }; steps: unknown[] }>(`${root}actions/simulate/`, {
      kind: 'deploy_task',
      level: 'A',
      ...more,
    })
  ).body;

describe('the list', () => {
  test('shows the built-in ones last, with the approvals of every level and of requests', async () => {
    await make({ levels: ['B'] });
    const { body } = await reviewer.get<{ count: number; results: Record<string, unknown>[] }>(`${root}?page_size=100`);
    const builtIn = body.results.slice(-8);
    expect(body.results.slice(0, -8).every(({ id }) => id !== null)).toBe(true);
    const counts = builtIn.map(({ id, kind, levels, steps }) => [
      id,
      kind,
      levels,
      (steps as { groups: { count: number }[] }[]).map(({ groups }) => groups.map(({ count }) => count)),
    ]);
    expect(counts).toEqual([
      [null, 'deploy_task', ['S'], [[2]]],
      [null, 'deploy_task', ['A'], [[1]]],
      [null, 'deploy_task', ['B'], [[1]]],
      [null, 'deploy_task', ['C'], [[1]]],
      [null, 'deploy_task', ['I'], []],
      [null, 'host_request', [], [[1]]],
      [null, 'domain_request', [], [[1]]],
      [null, 'certificate_request', [], [[1]]],
    ]);
  });

  test('is filtered by kind, application and whether it is enabled, and paged over both kinds', async () => {
    const off = await make({ application: child, enabled: false });
    const ids = async (query: string) =>
      (await reviewer.get<{ results: { id: number }[] }>(`${root}?${query}`)).body.results.map(({ id }) => id);
    expect(await ids(`application=${child}`)).toEqual([off]);
    expect(await ids(`application=${child}&enabled=true`)).toEqual([]);
    expect(await ids('enabled=false')).toEqual([off]);
    expect(await ids('kind=host_request')).toEqual([null]);
    const { body } = await reviewer.get<{ count: number; next: string | null }>(`${root}?page_size=1&page=1`);
    expect([body.next !== null, body.count >= 9]).toEqual([true, true]);
  });
});

describe('a policy', () => {
  test('is created, read, changed and deleted by an administrator, each with a record; others may read it', async () => {
    const id = await make({ name: `audited ${unique()}` });
    expect((await reviewer.post(root, fields())).status).toBe(403);
    expect((await reviewer.patch(`${root}${id}/`, { enabled: false })).status).toBe(403);
    expect((await reviewer.delete(`${root}${id}/`)).status).toBe(403);
    expect((await reviewer.get(`${root}${id}/`)).body).toMatchObject({
      id,
      levels: [],
      application,
      production: null,
      creator: admin.username,
      creator_may_vote: false,
      steps: [{ groups: [{ role: null, users: null, count: 1 }] }],
    });
    expect((await admin.patch(`${root}${id}/`, { creator_may_vote: true })).body).toMatchObject({
      creator_may_vote: true,
    });
    expect((await admin.patch(`${root}${id}/`, { creator_may_vote: true })).status).toBe(200);
    expect((await admin.delete(`${root}${id}/`)).body).toEqual({ message: 'success' });
    expect((await reviewer.get(`${root}${id}/`)).status).toBe(404);
    const records = await api.db
      .selectFrom('auditRecords')
      .select(['opType', 'changes'])
      .where('targetType', '=', 'approval_policy')
      .where('targetId', '=', id)
      .where('outcome', '=', 'success')
      .orderBy('id')
      .execute();
    expect(records.map(({ opType }) => opType)).toEqual(['create', 'update', 'delete']);
    expect(records[1]?.changes).toEqual({ creator_may_vote: [false, true] });
  });

  test('with a name that is taken is refused, regardless of case', async () => {
    const name = `Taken ${unique()}`;
    await make({ name });
    expect(await refusal({ name: name.toUpperCase() })).toEqual([409, 10005, undefined]);
  });

  test.each([
    ['name', { name: '' }],
    ['kind', { kind: 'deploy' }],
    ['levels.0', { levels: ['D'] }],
    ['levels', { kind: 'host_request', application: null, levels: ['S'] }],
    ['production', { production: 1 }],
    ['steps', { steps: Array.from({ length: 6 }, () => ({ groups: [{}] })) }],
    ['steps.0.groups', { steps: [{ groups: [] }] }],
    ['steps.0.groups.0', { steps: [{ groups: [{ role: 1, users: [1] }] }] }],
    ['steps.0.groups.0.count', { steps: [{ groups: [{ count: 21 }] }] }],
    ['escalate_after_hours', { escalate_after_hours: 721, escalate_to: 1 }],
    ['escalate_to', { escalate_after_hours: 24 }],
    ['escalate_after_hours', { escalate_to: 1 }],
    ['expire_after_hours', { expire_after_hours: 8761 }],
    ['break_glass', { kind: 'host_request', application: null, break_glass: 1 }],
  ])('with bad %s is refused with 10001', async (field, more) => {
    expect(await refusal(more)).toEqual([400, 10001, field]);
  });

  test('that names a missing role, user, application or production is refused with 10004', async () => {
    const nowhere = 999_999_999;
    for (const more of [
      { steps: [{ groups: [{ role: nowhere }] }] },
      { steps: [{ groups: [{ users: [nowhere] }] }] },
      { application: nowhere },
      { application: null, production: nowhere },
      { break_glass: nowhere },
    ])
      expect(await refusal(more)).toEqual([404, 10004, undefined]);
  });
});

describe('a group that cannot be satisfied today', () => {
  test('is refused with 10001 naming it: too few, without the permission, disabled, needed elsewhere', async () => {
    const without = await api.user();
    const disabled = await api.user({ application: { [application]: ['review_app_deploy_task'] } });
    await api.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', disabled.id).execute();
    const own = await role([reviewer, without]);
    const groups = async (...list: object[]) => refusal({ steps: [{ groups: [{ count: 1 }] }, { groups: list }] });
    const bad = (group: number) => [400, 10001, `steps.1.groups.${group}`];
    expect(await groups({ role: await role() })).toEqual(bad(0));
    expect(await groups({ users: [without.id] })).toEqual(bad(0));
    expect(await groups({ users: [disabled.id] })).toEqual(bad(0));
    expect(await groups({ role: own }, { users: [reviewer.id] })).toEqual(bad(1));
    expect(await groups({ users: [reviewer.id] })).toEqual([201, undefined, undefined]);
  });

  test('may be stored while the policy is disabled, and cannot be enabled', async () => {
    const id = await make({ enabled: false, steps: [{ groups: [{ role: await role() }] }] });
    const { status, body } = await admin.patch(`${root}${id}/`, { enabled: true });
    expect([status, body['error_code']]).toEqual([400, 10001]);
    expect((await admin.patch(`${root}${id}/`, { name: `still off ${unique()}` })).status).toBe(200);
  });

  test('an escalation to a role without any eligible approver is refused', async () => {
    expect(await refusal({ escalate_after_hours: 1, escalate_to: await role() })).toEqual([400, 10001, 'escalate_to']);
  });
});

describe('which policy applies', () => {
  test('application nearest in the tree, then production, then level, then kind; of equal ones the newest', async () => {
    const { id: production } = await api.db
      .insertInto('productions')
      .values({ name: unique(), creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    const [parent, leaf, lone] = [
      await makeApplication(api.db),
      await makeApplication(api.db),
      await makeApplication(api.db),
    ];
    await api.db.updateTable('applications').set({ parentId: parent }).where('id', '=', leaf).execute();
    await api.db
      .updateTable('applications')
      .set({ productionId: production })
      .where('id', 'in', [leaf, lone])
      .execute();
    for (const one of [parent, leaf, lone])
      await api.db
        .insertInto('grants')
        .values({
          userId: reviewer.id,
          roleId: null,
          scope: 'application',
          objectId: one,
          permission: 'review_app_deploy_task',
        })
        .execute();
    const chosen = async (of: number, level = 'A') => (await simulate({ application: of, level })).policy.id;
    expect(await chosen(lone)).toBeNull();
    const kind = await make({ application: null });
    expect(await chosen(lone)).toBe(kind);
    const level = await make({ application: null, levels: ['A', 'S'] });
    expect([await chosen(lone), await chosen(lone, 'B')]).toEqual([level, kind]);
    const line = await make({ application: null, production });
    expect([await chosen(lone), await chosen(parent)]).toEqual([line, level]);
    const upper = await make({ application: parent });
    expect([await chosen(leaf), await chosen(lone)]).toEqual([upper, line]);
    const nearest = await make({ application: leaf });
    expect([await chosen(leaf), await chosen(parent)]).toEqual([nearest, upper]);
    const ofLevel = await make({ application: leaf, levels: ['A'] });
    expect([await chosen(leaf), await chosen(leaf, 'B')]).toEqual([ofLevel, nearest]);
    const newest = await make({ application: leaf, levels: ['A'] });
    expect(await chosen(leaf)).toBe(newest);
    await admin.patch(`${root}${newest}/`, { enabled: false });
    expect(await chosen(leaf)).toBe(ofLevel);
    for (const id of [kind, level]) await admin.delete(`${root}${id}/`);
  });

  test('simulation shows who could vote in every group, without the creator, and hides what one may not see', async () => {
    const other = await api.user({ application: { [child]: ['review_app_deploy_task'] } });
    const own = await role([other]);
    await make({ application: child, steps: [{ groups: [{ role: own }, { users: [reviewer.id] }] }] });
    const shown = await simulate({ application: child, creator: other.username });
    expect(shown.steps).toEqual([
      { groups: [{ candidates: [] }, { candidates: [{ id: reviewer.id, username: reviewer.username }] }] },
    ]);
    const stranger = await api.user();
    const hidden = { kind: 'deploy_task', level: 'A', application: child };
    expect((await stranger.post(`${root}actions/simulate/`, hidden)).status).toBe(404);
    const unsaid = await stranger.post(`${root}actions/simulate/`, { kind: 'deploy_task' });
    expect(unsaid.body).toEqual(
      (await stranger.post(`${root}actions/simulate/`, { kind: 'deploy_task', level: 'A' })).body,
    );
    expect(
      (await stranger.post(`${root}actions/simulate/`, { kind: 'host_request', creator: 'nobody-known' })).status,
    ).toBe(404);
    const approver = await api.user({ system: ['approve_host_req'] });
    const { body } = await stranger.post<{ steps: { groups: { candidates: { id: number }[] }[] }[] }>(
      `${root}actions/simulate/`,
      { kind: 'host_request' },
    );
    const candidates = body.steps[0]?.groups[0]?.candidates.map(({ id }) => id);
    expect(candidates).toEqual([admin.id, approver.id]);
  });
});

describe('what a policy names', () => {
  test('keeps its roles from deletion, and its production', async () => {
    const own = await role([reviewer]);
    const id = await make({ break_glass: own });
    expect((await admin.delete(`/roles/${own}/`)).body).toMatchObject({ error_code: 10005 });
    await admin.delete(`${root}${id}/`);
    expect((await admin.delete(`/roles/${own}/`)).status).toBe(200);
    const { id: production } = await api.db
      .insertInto('productions')
      .values({ name: unique(), creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    const about = await make({ application: null, production, enabled: false });
    expect((await admin.delete(`/productions/${production}/`)).body).toMatchObject({ error_code: 10005 });
    await admin.delete(`${root}${about}/`);
    expect((await admin.delete(`/productions/${production}/`)).status).toBe(200);
  });
});
