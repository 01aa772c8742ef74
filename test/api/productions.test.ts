import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, refusal, type Page } from '../support/api/inventory.ts';

let t: TestApp;
let owner: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  owner = await t.user({ system: ['add_business', 'create_app'] });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface Production {
  id: number;
  name: string;
  [field: string]: unknown;
}

const make = (by: TestUser, more: object = {}) =>
  created<Production>(by, '/productions/', { name: `line-${unique()}`, ...more });
const applicationsOf = ({ id }: Production): string => `/productions/${id}/applications/`;

describe('productions', () => {
  test('are made, changed and deleted, each with its record', async () => {
    const made_ = await make(owner, { description: 'all shops' });
    expect(made_).toMatchObject({
      description: 'all shops',
      creator: owner.username,
      available_actions: { view: true, edit: true, delete: true },
    });
    const path = `/productions/${made_.id}/`;
    expect((await owner.patch<Production>(path, { description: 'some' })).body).toMatchObject({ description: 'some' });
    await owner.patch(path, { description: 'some' });
    expect((await owner.delete(path)).body).toEqual({ message: 'success' });
    expect((await admin.get(path)).status).toBe(404);
    const records = await recordsOf(t.db, 'production', made_.id);
    expect(records.map((one) => one.opType)).toEqual(['add', 'update', 'delete']);
  });

  test('a name is unique regardless of case', async () => {
    const { name } = await make(owner);
    const other = await make(owner);
    expect(refusal(await owner.post('/productions/', { name: name.toUpperCase() }))).toEqual([409, 10005]);
    expect(refusal(await owner.patch(`/productions/${other.id}/`, { name }))).toEqual([409, 10005]);
  });

  test.each([[''], [' x'], ['x '], ['a\nb'], ['x'.repeat(65)], [7], [null], ['\u202ex']])(
    'refuses the name %j',
    async (name) => {
      expect(refusal(await owner.post('/productions/', { name })).slice(0, 3)).toEqual([400, 10001, 'name']);
    },
  );

  test('are seen by view_business, by their creator, and by users who see an application in it', async () => {
    const production = await make(admin);
    const app = await anApplication(admin, { production: production.id });
    const by = async (user: TestUser) => [
      (await user.get(`/productions/${production.id}/`)).status,
      (await user.get<Page>(`/productions/?name=${production.name}`)).body.count,
    ];
    expect(await by(await t.user())).toEqual([404, 0]);
    expect(await by(await t.user({ system: ['view_business'] }))).toEqual([200, 1]);
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    expect(await by(viewer)).toEqual([200, 1]);
    expect(refusal(await viewer.patch(`/productions/${production.id}/`, { name: 'x' }))).toEqual([403, 10003]);
    expect(refusal(await viewer.delete(`/productions/${production.id}/`))).toEqual([403, 10003]);
    expect(refusal(await (await t.user()).delete(`/productions/${production.id}/`))).toEqual([404, 10004]);
  });

  test('applications: in one production at most, and not deleted with any', async () => {
    const [production, other] = [await make(owner), await make(owner)];
    const [a, b] = [await anApplication(owner), await anApplication(owner)];
    const add = (to: Production, ...ids: number[]) =>
      owner.post(
        applicationsOf(to),
        ids.map((id) => ({ id })),
      );
    expect((await add(production, a)).body).toEqual({ message: 'success' });
    expect((await add(production, a)).status).toBe(200);
    expect(refusal(await add(other, b, a))).toEqual([409, 10005]);
    const shown = await owner.get<Page>(applicationsOf(production));
    expect(shown.body).toMatchObject({ count: 1, results: [{ id: a, production: production.id }] });
    expect(refusal(await owner.delete(`/productions/${production.id}/`))).toEqual([409, 10005]);
    expect(refusal(await owner.delete(applicationsOf(production), [{ id: a }, { id: b }]))).toEqual([
      404,
      10004,
      '1.id',
    ]);
    expect((await owner.delete(applicationsOf(production), [{ id: a }])).status).toBe(200);
    const updates = (await recordsOf(t.db, 'application', a)).filter((one) => one.opType === 'update');
    const changes = updates.map((one) => one.changes);
    expect(changes).toEqual([{ production: [null, production.id] }, { production: [production.id, null] }]);
  });

  test('ask for edit_app on each application, and for a say in the production', async () => {
    const production = await make(admin);
    const app = await anApplication(owner);
    const seen = await anApplication(admin);
    const stranger = await t.user({ application: { [app]: ['edit_app'] } });
    expect(refusal(await stranger.post(applicationsOf(production), [{ id: app }]))).toEqual([404, 10004]);
    const planner = await t.user({ system: ['add_business'], application: { [seen]: ['view_app'] } });
    expect(refusal(await planner.post(applicationsOf(production), [{ id: seen }]))).toEqual([403, 10003, '0.id']);
    const set = (by: TestUser) => by.patch(`/applications/${app}/`, { production: production.id });
    expect(refusal(await set(stranger))).toEqual([404, 10004, 'production']);
    expect((await set(owner)).status).toBe(200);
    expect((await owner.get(`/applications/${app}/`)).body['production']).toBe(production.id);
  });
});
