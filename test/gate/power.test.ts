// Granting power requires holding at least that power, or being an administrator: roles, grants, accounts, invitations.
import { testApp } from '../support/api/app.ts';
import type { ApiResponse, TestApp, TestUser } from '../support/api/app.ts';
import { outcome } from '../support/deploy/acts.ts';
import { makePolicy } from '../support/deploy/policies.ts';
import { makeApplication } from '../support/api/app.ts';
import { unique } from '../support/harness.ts';
import { lackingOf } from '../../db/access/power.ts';
import { loadSubject } from '../../db/access/rights.ts';
import { builtInPolicy } from '../../workflows/approvals/contract.ts';
import { json } from '../../db/core/jsonb.ts';

let app: TestApp;
let admin: TestUser;
let clerk: TestUser;
let applicationId: number;
beforeAll(async () => {
  app = await testApp();
  admin = await app.user({ admin: true });
  clerk = await app.user({ system: ['manage_role', 'manage_user', 'view_user'] });
  applicationId = await makeApplication(app.db, `web-${unique()}`);
});
afterAll(() => app.close());

const newRole = async (grants: [string, 'application' | 'system', number][] = []): Promise<number> => {
  const { id } = await app.db
    .insertInto('roles')
    .values({ name: `role-${unique()}`, creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const [permission, scope, objectId] of grants)
    await app.db.insertInto('grants').values({ userId: null, roleId: id, scope, objectId, permission }).execute();
  return id;
};
const join = (roleId: number, { id: userId }: { id: number }) =>
  app.db.insertInto('userRoles').values({ userId, roleId }).execute();
const reviewer = (): Promise<TestUser> =>
  app.user({ application: { [applicationId]: ['view_app', 'review_app_deploy_task'] } });
const named = (fields: object) =>
  makePolicy(admin, { applicationId } as Parameters<typeof makePolicy>[1], { steps: [], ...fields });
const keptPolicy = { ...builtInPolicy(0), name: 'kept' };
const openTask = async (policy: object): Promise<void> => {
  const { id } = await app.user();
  await app.db
    .insertInto('deployTasks')
    .values({
      applicationId,
      creatorId: id,
      ownerId: id,
      level: 'S',
      version: '1',
      packageSource: '/a',
      plannedExecTime: new Date(),
      status: 'wait_review',
      requiredApprovals: 2,
      policy: json(policy),
    })
    .execute();
};

/** Roles by what makes them worth something, as none of their grants does. */
const sources: [string, (roleId: number) => Promise<unknown>][] = [
  [
    'a group of a policy',
    async (roleId) => {
      await join(roleId, await reviewer());
      return named({ steps: [{ groups: [{ role: roleId }] }] });
    },
  ],
  [
    'an escalation',
    async (roleId) => {
      await join(roleId, await reviewer());
      return named({ escalate_after_hours: 1, escalate_to: roleId });
    },
  ],
  ['a break-glass', (roleId) => named({ break_glass: roleId })],
  [
    'a policy that is switched off',
    (roleId) => named({ enabled: false, steps: [{ groups: [{ role: roleId, count: 2 }] }] }),
  ],
  [
    'the copy that an open request keeps',
    (roleId) =>
      openTask({
        ...keptPolicy,
        steps: [{ groups: [{ role: { id: roleId, name: 'gone' }, users: null, count: 1 }] }],
      }),
  ],
  [
    'the break-glass of an open request',
    (roleId) => openTask({ ...keptPolicy, breakGlass: { id: roleId, name: 'gone' } }),
  ],
  [
    'a grant that the clerk lacks',
    (roleId) =>
      app.db
        .insertInto('grants')
        .values({ userId: null, roleId, scope: 'application', objectId: applicationId, permission: 'edit_app' })
        .execute(),
  ],
];

/** Every way to hand a role on, or to take it away. */
const ways: [string, (roleId: number, user: TestUser) => Promise<ApiResponse>][] = [
  ['taking it', (roleId) => clerk.post(`/roles/${roleId}/users/`, [{ id: clerk.id }])],
  ['giving it from the role', (roleId, user) => clerk.post(`/roles/${roleId}/users/`, [{ id: user.id }])],
  ['giving it from the user', (roleId, user) => clerk.post(`/users/${user.id}/roles/`, [{ id: roleId }])],
  ['taking it from a user', (roleId, user) => clerk.delete(`/users/${user.id}/roles/`, [{ id: roleId }])],
  ['taking a user from it', (roleId, user) => clerk.delete(`/roles/${roleId}/users/`, [{ id: user.id }])],
  ['deleting it', (roleId) => clerk.delete(`/roles/${roleId}/`)],
  [
    'inviting somebody into it',
    (roleId) => {
      const username = `u${unique()}`.toLowerCase().replaceAll('_', '-');
      return clerk.post('/users/', { username, email: `${username}@example.com`, roles: [{ id: roleId }] });
    },
  ],
];

describe.each(sources)('a role that is worth something by %s', (_source, prepare) => {
  test.each(ways)('is not handed on by a clerk who lacks it: %s', async (_way, act) => {
    const roleId = await newRole();
    const user = await app.user();
    await join(roleId, user);
    await prepare(roleId);
    const before = await app.db.selectFrom('userRoles').selectAll().where('roleId', '=', roleId).execute();
    expect(outcome(await act(roleId, user))).toEqual([400, 30002]);
    expect(await app.db.selectFrom('userRoles').selectAll().where('roleId', '=', roleId).execute()).toEqual(before);
    const { body } = await clerk.get<{ available_actions: object }>(`/roles/${roleId}/`);
    expect(body.available_actions).toMatchObject({ assign: false, delete: false });
    expect(outcome(await admin.post(`/roles/${roleId}/users/`, [{ id: clerk.id }]))).toEqual([200, 0]);
    // A member holds one vote, and handing it on would make it two.
    if (_source !== 'a grant that the clerk lacks')
      expect(outcome(await clerk.post(`/roles/${roleId}/users/`, [{ id: user.id }]))).toEqual([400, 30002]);
    await app.db.deleteFrom('userRoles').where('userId', '=', clerk.id).execute();
  });
});

test('a role that is worth no more than the clerk holds is handed on', async () => {
  const roleId = await newRole([
    ['enable_user_mgmt', 'system', 0],
    ['view_user', 'system', 0],
  ]);
  const user = await app.user();
  expect(outcome(await clerk.post(`/roles/${roleId}/users/`, [{ id: user.id }]))).toEqual([200, 0]);
});

describe('an account is worth what it holds', () => {
  const accounts: [string, () => Promise<TestUser>, boolean][] = [
    ['nothing', () => app.user(), false],
    ['a grant on an object', reviewer, true],
    ['a permission of a module that the clerk holds', () => app.user({ system: ['view_user'] }), false],
    ['a permission of a module that the clerk lacks', () => app.user({ system: ['manage_host'] }), true],
    ['administration', () => app.user({ admin: true }), true],
    [
      'a role that a policy names',
      async () => {
        const [roleId, user] = [await newRole(), await app.user()];
        await join(roleId, user);
        await named({ break_glass: roleId });
        return user;
      },
      true,
    ],
    [
      'a place in the list of a policy',
      async () => {
        const user = await app.user();
        await named({ enabled: false, steps: [{ groups: [{ users: [user.id] }] }] });
        return user;
      },
      true,
    ],
    [
      'a review of an open request that was delegated',
      async () => {
        const [user, giver] = [await app.user(), await reviewer()];
        await openTask(keptPolicy);
        const task = await app.db
          .selectFrom('deployTasks')
          .select('id')
          .orderBy('id', 'desc')
          .executeTakeFirstOrThrow();
        await app.db
          .insertInto('delegations')
          .values({ kind: 'deploy_task', requestId: task.id, phase: 'review', fromId: giver.id, toId: user.id })
          .execute();
        return user;
      },
      true,
    ],
  ];

  test.each(accounts)('%s: it is enabled only by who holds that, or an administrator', async (_what, make, isMore) => {
    const user = await make();
    await app.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', user.id).execute();
    const path = `/users/${user.id}/actions/enable/`;
    expect(outcome(await clerk.post(path))).toEqual(isMore ? [403, 10003] : [200, 0]);
    expect(outcome(await admin.post(path))).toEqual([200, 0]);
    const [lacking] = await lackingOf(app.db, await loadSubject(app.db, clerk.id), [{ user: user.id }]);
    expect(lacking !== undefined).toBe(isMore);
  });

  test('its own holder holds it', async () => {
    const user = await reviewer();
    const subject = await loadSubject(app.db, user.id);
    expect(await lackingOf(app.db, subject, [{ user: user.id }])).toEqual([undefined]);
  });
});

describe('an application is taken out of its approval policy by administrators only', () => {
  let lead: TestUser;
  let ids: { tree: number; loose: number; application: number; below: number; production: number; other: number };
  const mine = ['view_app', 'edit_app'];

  beforeEach(async () => {
    const [tree, loose, application, below] = await Promise.all(
      ['tree', 'loose', 'app', 'below'].map((name) => makeApplication(app.db, `${name}-${unique()}`)),
    );
    const [production, other] = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const row = { name: `${name}-${unique()}`, creator: 'test' };
        return (
          await app.db
            .insertInto('productions')
            .values(row as never)
            .returning('id')
            .executeTakeFirstOrThrow()
        ).id;
      }),
    );
    ids = { tree, loose, application, below, production, other } as typeof ids;
    await app.db.updateTable('applications').set({ parentId: ids.application }).where('id', '=', ids.below).execute();
    lead = await app.user({
      system: ['add_business', 'view_business', 'create_app'],
      application: { [ids.tree]: mine, [ids.loose]: mine, [ids.application]: mine, [ids.below]: mine },
    });
  });

  const inTree = async (): Promise<void> => {
    await app.db.updateTable('applications').set({ parentId: ids.tree }).where('id', '=', ids.application).execute();
    await makePolicy(admin, { applicationId: ids.tree } as Parameters<typeof makePolicy>[1], { steps: [] });
  };
  const inProduction = async (): Promise<void> => {
    await app.db
      .updateTable('applications')
      .set({ productionId: ids.production })
      .where('id', '=', ids.application)
      .execute();
    await makePolicy(admin, {} as Parameters<typeof makePolicy>[1], {
      application: null,
      production: ids.production,
      steps: [],
    });
  };
  const patch = (id: number, body: object) => (user: TestUser) => user.patch(`/applications/${id}/`, body);

  const moves: [string, () => Promise<void>, () => (user: TestUser) => Promise<ApiResponse>][] = [
    ['becoming a root', inTree, () => patch(ids.application, { parent_app: null })],
    ['going to another tree', inTree, () => patch(ids.application, { parent_app: ids.loose })],
    ['being dropped by its parent', inTree, () => patch(ids.tree, { child_apps: [] })],
    ['leaving its production', inProduction, () => patch(ids.application, { production: null })],
    ['going to another production', inProduction, () => patch(ids.application, { production: ids.other })],
    [
      'being taken out of its production',
      inProduction,
      () => (user) => user.delete(`/productions/${ids.production}/applications/`, [{ id: ids.application }]),
    ],
    [
      'coming under a policy that asks less than what is built in',
      async () => {
        await makePolicy(admin, { applicationId: ids.loose } as Parameters<typeof makePolicy>[1], { steps: [] });
      },
      () => patch(ids.application, { parent_app: ids.loose }),
    ],
  ];

  test.each(moves)('%s', async (_what, prepare, move) => {
    await prepare();
    const place = () =>
      app.db.selectFrom('applications').select(['id', 'parentId', 'productionId']).orderBy('id').execute();
    const before = await place();
    const answer = await move()(lead);
    expect(outcome(answer)).toEqual([403, 10003]);
    expect(answer.body['message']).toContain('approval policy');
    expect(await place()).toEqual(before);
    expect((await move()(admin)).status).toBe(200);
    expect(await place()).not.toEqual(before);
  });

  test('a move that leaves no policy, or comes under a stricter one, is open to who may edit both', async () => {
    expect((await patch(ids.application, { parent_app: ids.loose })(lead)).status).toBe(200);
    await makePolicy(admin, { applicationId: ids.tree } as Parameters<typeof makePolicy>[1], {
      steps: [{ groups: [{ count: 3 }] }],
      enabled: false,
    });
    expect((await patch(ids.application, { parent_app: ids.tree })(lead)).status).toBe(200);
  });
});
