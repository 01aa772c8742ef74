import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, recordsOf, refusal, type Page } from '../support/api/inventory.ts';

let t: TestApp;
let user: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  user = await t.user({ system: ['create_app'] });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface App {
  id: number;
  name: string;
  full_name: string;
  parent_app: number | null;
}

const one = async (id: number): Promise<App> => (await admin.get<App>(`/applications/${id}/`)).body;
const linked = async (by: TestUser, id: number, what: string, query = ''): Promise<number[]> =>
  (await by.get<Page>(`/applications/${id}/${what}/?${query}`)).body.results.map((app) => app.id);
const entries = (...ids: number[]) => ids.map((id) => ({ id }));
const updates = async (id: number) =>
  (await recordsOf(t.db, 'application', id)).filter((record) => record.opType === 'update');

describe('children', () => {
  const path = (id: number) => `/applications/${id}/child-apps/`;

  test('become so in the order named, each side recorded; a repetition has no effect', async () => {
    const [parent, a, b] = [await anApplication(user), await anApplication(user), await anApplication(user)];
    const added = await user.post<App[]>(path(parent), entries(b, a));
    expect(added).toMatchObject({ status: 201, body: [{ id: b, parent_app: parent }, { id: a }] });
    expect(await linked(user, parent, 'child-apps')).toEqual([a, b]);
    expect(await updates(parent)).toMatchObject([{ changes: { child_apps: [[], [a, b]] } }]);
    expect(await updates(a)).toMatchObject([{ changes: { parent_app: [null, parent] } }]);
    expect((await user.post(path(parent), entries(a))).status).toBe(201);
    expect(await updates(parent)).toHaveLength(1);
    expect((await user.delete(path(parent), entries(a))).body).toEqual({ message: 'success' });
    const root = await one(a);
    expect(root).toMatchObject({ parent_app: null, full_name: root.name });
  });

  test('a second parent, a cycle and a duplicate are refused; an unknown id is 404', async () => {
    const [a, b, c] = [await anApplication(user), await anApplication(user), await anApplication(user)];
    await user.post(path(a), entries(b));
    expect(refusal(await user.post(path(c), entries(b)))).toEqual([409, 10005]);
    expect(refusal(await user.post(path(b), entries(a)))).toEqual([409, 10005]);
    expect(refusal(await user.post(path(a), entries(a)))).toEqual([409, 10005]);
    expect(refusal(await user.post(path(a), entries(c, c)))).toEqual([400, 10001, '1.id']);
    expect(refusal(await user.post(path(a), [{ id: c, name: 'x' }]))).toEqual([400, 10001, '0.name']);
    expect(refusal(await user.delete(path(a), entries(b, c)))).toEqual([404, 10004, '1.id']);
    expect(await linked(user, a, 'child-apps')).toEqual([b]);
  });

  test('a name that is taken among roots keeps a child where it is', async () => {
    const parent = await anApplication(user);
    const child = await anApplication(user, { parent_app: parent });
    await anApplication(admin, { name: (await one(child)).name });
    expect(refusal(await user.delete(path(parent), entries(child)))).toEqual([409, 10005]);
    expect((await one(child)).parent_app).toBe(parent);
  });

  test('ask for edit_app on both sides', async () => {
    const [parent, child, hidden] = [await anApplication(user), await anApplication(admin), await anApplication(admin)];
    const editor = await t.user({ application: { [parent]: ['edit_app'], [child]: ['view_app'] } });
    expect(refusal(await editor.post(path(parent), entries(child)))).toEqual([403, 10003, '0.id']);
    expect(refusal(await editor.post(path(parent), entries(child, hidden)))).toEqual([404, 10004, '1.id']);
    expect(refusal(await editor.post(path(child), entries(parent)))).toEqual([403, 10003]);
  });
});

describe('requirements', () => {
  const path = (id: number) => `/applications/${id}/required-apps/`;

  test('are seen from both sides, as far as the caller may view them, and can be filtered', async () => {
    const [a, b, hidden] = [await anApplication(user), await anApplication(user), await anApplication(admin)];
    expect((await user.post<App[]>(path(a), entries(b))).body).toMatchObject([{ id: b }]);
    expect((await admin.post(path(a), entries(hidden, b))).status).toBe(201);
    expect(await linked(user, a, 'required-apps')).toEqual([b]);
    expect(await linked(admin, a, 'required-apps')).toEqual([b, hidden]);
    expect(await linked(user, b, 'required-by-apps')).toEqual([a]);
    const { name } = await one(b);
    expect(await linked(admin, a, 'required-apps', `name=${name}&user=${user.username}`)).toEqual([b]);
    expect(refusal(await user.delete(path(a), entries(hidden)))).toEqual([404, 10004, '0.id']);
    expect((await user.delete(path(a), entries(b))).status).toBe(200);
    expect(await linked(admin, a, 'required-apps')).toEqual([hidden]);
  });

  test('of two calls that close a cycle together one is refused, naming the path', async () => {
    const [a, b] = [await anApplication(user), await anApplication(user)];
    const both = await Promise.all([user.post(path(a), entries(b)), user.post(path(b), entries(a))]);
    expect(both.map((answer) => answer.status).sort()).toEqual([201, 409]);
    const loser = both.find((answer) => answer.status === 409);
    expect(loser?.body['message']).toMatch(/^this link would close a cycle: .+ → .+ → .+/);
  });

  test('a cycle through an application that the caller may not view names it by number', async () => {
    const [a, hidden] = [await anApplication(user), await anApplication(admin)];
    await admin.post(path(hidden), entries(a));
    const middle = await anApplication(user);
    await admin.post(path(middle), entries(hidden));
    const answer = await user.post(path(a), entries(middle));
    expect(answer.body['message']).toContain(`→ #${hidden} →`);
    expect(JSON.stringify(answer.body)).not.toContain((await one(hidden)).name);
  });
});

describe('response persons', () => {
  const path = (id: number) => `/applications/${id}/response-person/`;
  interface Person {
    id: number;
    type: string;
  }

  test('one user in several types, each a row; removed by type or altogether', async () => {
    const app = await anApplication(user);
    const added = await user.post<Person[]>(path(app), [
      { id: admin.id, type: 'ops' },
      { id: user.id, type: 'dev' },
      { id: admin.id, type: 'dev' },
    ]);
    expect(added.status).toBe(201);
    expect(added.body[0]).toEqual({
      id: admin.id,
      type: 'ops',
      name: admin.username,
      email: `${admin.username}@example.com`,
      mobile: '',
    });
    expect((await user.post(path(app), [{ id: admin.id, type: 'ops' }])).status).toBe(201);
    const page = await user.get<Page<Person>>(`${path(app)}?page_size=2`);
    expect(page.body).toMatchObject({ count: 3, next: expect.stringContaining('page=2') as string });
    expect((await user.get<Page>(`${path(app)}?type=dev`)).body.count).toBe(2);
    await user.delete(path(app), [{ id: admin.id, type: 'ops' }]);
    await user.delete(path(app), [{ id: user.id }]);
    expect((await user.get<Page>(path(app))).body).toMatchObject({
      count: 1,
      results: [{ id: admin.id, type: 'dev' }],
    });
    expect(await updates(app)).toHaveLength(3);
  });

  test('unknown, disabled, twice, of no type, not there', async () => {
    const app = await anApplication(user);
    const add = (...people: unknown[]) => user.post(path(app), people);
    const dev = { id: user.id, type: 'dev' };
    const off = await t.user();
    await t.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', off.id).execute();
    expect(refusal(await add(dev, { id: 987_654, type: 'qa' }))).toEqual([404, 10004, '1.id']);
    expect(refusal(await add(dev, { id: off.id, type: 'qa' }))).toEqual([400, 10001, '1.id']);
    expect(refusal(await add(dev, dev))).toEqual([400, 10001, '1.id']);
    expect(refusal(await add({ id: user.id }))).toEqual([400, 10001, '0.type']);
    expect(refusal(await add({ id: user.id, type: 'boss' }))).toEqual([400, 10001, '0.type']);
    expect(refusal(await user.delete(path(app), [dev]))).toEqual([404, 10004, '0.id']);
    expect((await user.get<Page>(path(app))).body.count).toBe(0);
  });
});
