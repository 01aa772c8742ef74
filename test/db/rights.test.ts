import { ensureAdmin } from '../../db/access/first-admin.ts';
import { verifyPassword } from '../../db/access/passwords.ts';
import { mayOnAsked } from '../../db/access/caller-grants.ts';
import { actionsFor, loadSubject, mayOnEach, visible, type Scope } from '../../db/access/rights.ts';
import { useToken } from '../../db/access/tokens.ts';
import { makeApplication, makeHost, testApp, type TestApp } from '../support/api/app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

const applicationsOf = async (userId: number): Promise<number[]> => {
  const subject = await loadSubject(t.db, userId);
  const rows = await t.db
    .selectFrom('applications')
    .where(visible(subject, 'application', 'view_app', 'applications.id'))
    .where('deletedTime', 'is', null)
    .select('id')
    .orderBy('id')
    .execute();
  return rows.map((row) => row.id);
};

describe('rights', () => {
  test('any permission on an object shows it; a list and a check agree', async () => {
    const [one, two] = [await makeApplication(t.db), await makeApplication(t.db)];
    const user = await t.user({ application: { [one]: ['deploy_app'] } });
    expect(await applicationsOf(user.id)).toEqual([one]);
    const subject = await loadSubject(t.db, user.id);
    const may = await mayOnEach(t.db, subject, 'application', 'edit_app', [one, two]);
    expect([...may]).toEqual([
      [one, 'no'],
      [two, 'hidden'],
    ]);
  });

  test('a grant on an application does not cover the host with the same id', async () => {
    const host = await makeHost(t.db);
    const user = await t.user({ application: { [host]: ['edit_app'] } });
    const subject = await loadSubject(t.db, user.id);
    expect([...(await mayOnEach(t.db, subject, 'host', 'view_host', [host])).values()]).toEqual(['hidden']);
  });

  test('system permissions cover every object, as far as the catalogue says', async () => {
    const host = await makeHost(t.db);
    const subject = await loadSubject(t.db, (await t.user({ system: ['manage_host'] })).id);
    const actions = (await actionsFor(t.db, subject, 'host', [host])).get(host);
    expect([...(actions ?? [])]).toEqual(['view_host', 'init_host', 'restart_host', 'deactivate_host']);
  });

  test('the grants loaded with the caller agree with a separate check, for every caller', async () => {
    const [one, two, gone] = [await makeApplication(t.db), await makeApplication(t.db), await makeApplication(t.db)];
    const host = await makeHost(t.db);
    await t.db.updateTable('applications').set({ deletedTime: new Date() }).where('id', '=', gone).execute();
    const member = await t.user();
    const values = { name: 'editors', creator: 'test' };
    const { id: roleId } = await t.db.insertInto('roles').values(values).returning('id').executeTakeFirstOrThrow();
    await t.db.insertInto('userRoles').values({ userId: member.id, roleId }).execute();
    const grant = { userId: null, roleId, scope: 'application', permission: 'edit_app' } as const;
    const grants = [one, gone].map((objectId) => ({ ...grant, objectId }));
    await t.db.insertInto('grants').values(grants).execute();
    const callers = [
      member,
      await t.user({ admin: true }),
      await t.user({ system: ['manage_host', 'view_app'] }),
      await t.user({ application: { [two]: ['deploy_app', 'view_app'] }, host: { [host]: ['view_host'] } }),
    ];
    const seen = new Set<string>();
    for (const { id: userId, token } of callers)
      for (const [scope, name, ids] of [
        ['application', 'edit_app', [one, two, gone, 999_999]],
        ['host', 'restart_host', [host, 999_999]],
      ] as const)
        for (const id of ids) {
          const { subject, granted } = (await useToken(t.db, token, new Date(), { scope, id })) ?? never();
          const may = mayOnAsked<Scope>(subject, { scope, id, granted }, name);
          const check = await mayOnEach<Scope>(t.db, await loadSubject(t.db, userId), scope, name, [id]);
          expect([userId, scope, id, may]).toEqual([userId, scope, id, check.get(id)]);
          seen.add(may);
        }
    expect([...seen].sort()).toEqual(['hidden', 'no', 'yes']);
  });

  test('a deleted object is hidden from everybody', async () => {
    const app = await makeApplication(t.db);
    await t.db.updateTable('applications').set({ deletedTime: new Date() }).where('id', '=', app).execute();
    const subject = await loadSubject(t.db, (await t.user({ admin: true })).id);
    expect([...(await mayOnEach(t.db, subject, 'application', 'view_app', [app])).values()]).toEqual(['hidden']);
  });
});

const never = (): never => {
  throw new Error('the token is not known');
};

test('the first administrator is created once across concurrent processes, and the password is printed once', async () => {
  const fresh = await testApp();
  try {
    const told = await Promise.all(Array.from({ length: 4 }, () => ensureAdmin(fresh.db)));
    const passwords = told.filter((one) => one !== undefined);
    expect(passwords).toHaveLength(1);
    const { passwordHash } = await fresh.db.selectFrom('users').select('passwordHash').executeTakeFirstOrThrow();
    expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verifyPassword(passwords[0] ?? '', passwordHash)).toBe(true);
    expect(await verifyPassword('something else', passwordHash)).toBe(false);
  } finally {
    await fresh.close();
  }
});
