import { testApp, type Answer, type TestApp, type TestUser } from './app.ts';
import { unique } from '../harness.ts';

let t: TestApp;
let creator: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp();
  creator = await t.user({ system: ['create_app'] });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface App {
  id: number;
  name: string;
  full_name: string;
  parent_app: number | null;
  [field: string]: unknown;
}
interface Page {
  count: number;
  results: App[];
}
interface Refusal {
  error_code: number;
  message: string;
  details?: { field: string; message: string }[];
}

async function make(by: TestUser, fields: Record<string, unknown> = {}): Promise<App> {
  const { status, body } = await by.post<App>('/applications/', { name: `app-${unique()}`, ...fields });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
}

const get = async (by: TestUser, id: number): Promise<App> => (await by.get<App>(`/applications/${id}/`)).body;
const refusal = (answer: Answer<object>) => {
  const { error_code, details } = answer.body as Refusal;
  return [answer.status, error_code, ...(details ?? []).map((one) => one.field)];
};
const records = (id: number) =>
  t.db
    .selectFrom('auditRecords')
    .where('targetType', '=', 'application')
    .where('targetId', '=', id)
    .selectAll()
    .orderBy('id')
    .execute();

describe('creating an application', () => {
  test('its creator gets all eight permissions, each with a record, and it has deploy settings', async () => {
    const app = await make(creator, { description: 'a shop', application_type: 7 });
    expect(app).toMatchObject({
      ...{ full_name: app.name, application_type: '7', run_user: 'work', directory: '', parent_app: null },
      ...{ child_apps: [], required_apps: [], response_person: [], has_child: false, creator: creator.username },
    });
    expect(Object.values(app['available_actions'] as object)).toEqual(Array(8).fill(true));
    const kinds = (await records(app.id)).map((one) => `${one.view}/${one.opType}`);
    expect(kinds.filter((kind) => kind === 'app/add')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'resources/enable')).toHaveLength(8);
    const settings = t.db.selectFrom('deploySettings').where('applicationId', '=', app.id).selectAll();
    expect(await settings.executeTakeFirst()).toMatchObject({ enabled: true, creator: creator.username });
  });

  test('without create_app it is refused and recorded', async () => {
    const user = await t.user();
    expect(refusal(await user.post('/applications/', { name: 'x' }))).toEqual([403, 10003]);
    const refused = t.db.selectFrom('auditRecords').where('operator', '=', user.username).selectAll();
    expect(await refused.execute()).toMatchObject([{ outcome: 'refused', view: 'app' }]);
  });

  test.each([
    ['../etc'],
    ['a.b'],
    ['-a'],
    ['a b'],
    ['<script>'],
    ['a\n'],
    ['a\u202eb'],
    [''],
    ['x'.repeat(65)],
    [5],
    [null],
    ['a/b'],
    ["'; drop table applications; --"],
  ])('refuses the name %j', async (name) => {
    expect(refusal(await creator.post('/applications/', { name }))).toEqual([400, 10001, 'name']);
  });

  test('refuses text that the database cannot hold', async () => {
    expect((await creator.post('/applications/', '{"name": "a\\u0000b"}')).status).toBe(400);
  });

  test.each([
    ['directory', '/'],
    ['directory', '/a/../b'],
    ['directory', 'relative'],
    ['stdout_path', '/var/log/../../etc/passwd'],
    ['pid_path', `/${'x'.repeat(255)}`],
    ['startup_cmd', 'a\nb'],
    ['stop_cmd', 'x'.repeat(1001)],
    ['run_user', 'root; rm -rf /'],
    ['run_user', '0day'],
    ['description', 'x'.repeat(2001)],
    ['parent_app', -1],
    ['parent_app', 1.5],
    ['parent_app', 'x'],
    ['production', []],
    ['id', 5],
    ['full_name', 'a.b'],
    ['creator', 'me'],
    ['surprise', 1],
  ])('refuses a bad %s (%#)', async (field, value) => {
    const answer = await creator.post('/applications/', { name: `n-${unique()}`, [field]: value });
    expect(refusal(answer).slice(0, 3)).toEqual([400, 10001, field]);
  });

  test('names stay among siblings what they are: unique, by case', async () => {
    const app = await make(creator);
    expect(refusal(await creator.post('/applications/', { name: app.name }))).toEqual([409, 10005]);
    await make(creator, { name: app.name.toUpperCase() });
    await make(creator, { name: app.name, parent_app: app.id });
  });

  test('what is refused leaves nothing behind', async () => {
    const name = `half-${unique()}`;
    const answer = await creator.post('/applications/', { name, required_apps: [999_999_999] });
    expect(refusal(answer)).toEqual([404, 10004, 'required_apps.0']);
    expect(await t.db.selectFrom('applications').where('name', '=', name).selectAll().execute()).toEqual([]);
  });

  test('the same Idempotency-Key makes it once', async () => {
    const body = { name: `once-${unique()}` };
    const headers = { 'idempotency-key': unique() };
    const first = await creator.post<App>('/applications/', body, headers);
    expect((await creator.post<App>('/applications/', body, headers)).body).toEqual(first.body);
  });
});

describe('the tree', () => {
  test('a full name is the path of names; a rename or move changes the whole subtree', async () => {
    const a = await make(creator);
    const b = await make(creator, { parent_app: a.id });
    const c = await make(creator, { parent_app: b.id });
    expect(c.full_name).toBe(`${a.name}.${b.name}.${c.name}`);
    const name = `renamed-${unique()}`;
    expect((await creator.patch(`/applications/${a.id}/`, { name })).body).toEqual({ message: 'success' });
    expect((await get(creator, c.id)).full_name).toBe(`${name}.${b.name}.${c.name}`);
    expect((await creator.patch(`/applications/${b.id}/`, { parent_app: 0 })).status).toBe(200);
    expect(await get(creator, c.id)).toMatchObject({ full_name: `${b.name}.${c.name}`, parent_app: b.id });
    expect(await get(creator, a.id)).toMatchObject({ has_child: false });
  });

  test('no cycle, with the path in the message', async () => {
    const a = await make(creator);
    const b = await make(creator, { parent_app: a.id });
    const answer = await creator.patch<Refusal>(`/applications/${a.id}/`, { parent_app: b.id });
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(answer.body.message).toContain(`${a.name} → ${b.name} → ${a.name}`);
    expect(refusal(await creator.patch(`/applications/${a.id}/`, { parent_app: a.id }))).toEqual([409, 10005]);
  });

  test('of two moves that close a cycle together one is refused', async () => {
    const [a, b] = [await make(creator), await make(creator)];
    const both = await Promise.all([
      creator.patch(`/applications/${a.id}/`, { parent_app: b.id }),
      creator.patch(`/applications/${b.id}/`, { parent_app: a.id }),
    ]);
    expect(both.map((one) => one.status).sort()).toEqual([200, 409]);
  });

  test('at most ten levels, however they are put together', async () => {
    let parent: number | null = null;
    const line: App[] = [];
    for (let level = 0; level < 10; level++) {
      const app = await make(creator, { parent_app: parent });
      line.push(app);
      parent = app.id;
    }
    expect(refusal(await creator.post('/applications/', { name: 'deep', parent_app: parent }))).toEqual([409, 10005]);
    const top = await make(creator);
    expect(refusal(await creator.patch(`/applications/${line[0]?.id}/`, { parent_app: top.id }))).toEqual([409, 10005]);
  });

  test('a parent asks for edit_app on it, and stays unknown to whoever may not view it', async () => {
    const hidden = await make(admin);
    const shown = await make(admin);
    const user = await t.user({ system: ['create_app'], application: { [shown.id]: ['deploy_app'] } });
    const under = (parent: App) => user.post('/applications/', { name: `n-${unique()}`, parent_app: parent.id });
    expect(refusal(await under(hidden))).toEqual([404, 10004, 'parent_app']);
    expect(refusal(await under(shown))).toEqual([403, 10003, 'parent_app']);
  });

  test('children that the caller cannot see stay when he replaces the list', async () => {
    const a = await make(creator);
    const seen = await make(creator, { parent_app: a.id });
    const hidden = await make(admin, { parent_app: a.id });
    expect((await get(creator, a.id))['child_apps']).toEqual([seen.id]);
    expect((await creator.patch(`/applications/${a.id}/`, { child_apps: [] })).status).toBe(200);
    expect((await get(admin, a.id))['child_apps']).toEqual([hidden.id]);
    expect(await get(creator, seen.id)).toMatchObject({ parent_app: null, full_name: seen.name });
  });

  test('a child of another parent is not taken away', async () => {
    const [a, b] = [await make(creator), await make(creator)];
    const child = await make(creator, { parent_app: a.id });
    const answer = await creator.patch<Refusal>(`/applications/${b.id}/`, { child_apps: [child.id] });
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(answer.body.message).toBe(`${child.name} already belongs to ${a.name}`);
  });
});

describe('changing an application', () => {
  test('the record names before and after; what changes nothing leaves none', async () => {
    const app = await make(creator);
    const before = (await records(app.id)).length;
    await creator.patch(`/applications/${app.id}/`, { directory: '/srv/shop', run_user: 'shop' });
    const [record, ...more] = (await records(app.id)).slice(before);
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      ...{ view: 'app', opType: 'update', targetName: app.full_name, operator: creator.username },
      changes: { directory: ['', '/srv/shop'], run_user: ['work', 'shop'] },
    });
    await creator.patch(`/applications/${app.id}/`, { directory: '/srv/shop' });
    expect(await records(app.id)).toHaveLength(before + 1);
  });

  test('who may view may not change; to others it is not there', async () => {
    const app = await make(creator);
    const viewer = await t.user({ application: { [app.id]: ['view_app_log'] } });
    const stranger = await t.user();
    expect((await viewer.get(`/applications/${app.id}/`)).status).toBe(200);
    expect(refusal(await viewer.patch(`/applications/${app.id}/`, { name: 5 }))).toEqual([403, 10003]);
    expect(refusal(await stranger.patch(`/applications/${app.id}/`, { name: 'x' }))).toEqual([404, 10004]);
    expect(refusal(await stranger.get(`/applications/${app.id}/`))).toEqual([404, 10004]);
    expect(refusal(await creator.patch(`/applications/${app.id}/`, {}))).toEqual([400, 10001, '']);
    expect((await creator.get('/applications/99999999999999999999/')).status).toBe(404);
  });

  test('response persons: a bare id gets dev and keeps what it has; disabled ones are refused', async () => {
    const app = await make(creator, { response_person: [creator.id, { id: creator.id, type: 'ops' }] });
    const rows = () =>
      t.db.selectFrom('responsePersons').where('applicationId', '=', app.id).select('type').orderBy('type').execute();
    expect((await rows()).map((row) => row.type)).toEqual(['dev', 'ops']);
    await creator.patch(`/applications/${app.id}/`, { response_person: [creator.id] });
    expect((await rows()).map((row) => row.type)).toEqual(['dev', 'ops']);
    const off = await t.user();
    await t.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', off.id).execute();
    const add = (...ids: unknown[]) => creator.patch(`/applications/${app.id}/`, { response_person: ids });
    expect(refusal(await add(creator.id, off.id))).toEqual([400, 10001, 'response_person.1']);
    expect(refusal(await add(123_456_789))).toEqual([404, 10004, 'response_person.0']);
    expect(refusal(await add(creator.id, creator.id))).toEqual([400, 10001, 'response_person.1']);
  });

  test('requirements: no cycle, not itself', async () => {
    const [a, b, c] = [await make(creator), await make(creator), await make(creator)];
    const require = (from: App, ...to: App[]) =>
      creator.patch<Refusal>(`/applications/${from.id}/`, { required_apps: to.map((one) => one.id) });
    expect((await require(a, b)).status).toBe(200);
    expect((await require(b, c)).status).toBe(200);
    const cycle = await require(c, a);
    expect(cycle.body.message).toContain(`${c.name} → ${a.name} → ${b.name} → ${c.name}`);
    expect(refusal(await require(a, a))).toEqual([409, 10005]);
  });
});

describe('listing applications', () => {
  const names = async (by: TestUser, query: string) =>
    (await by.get<Page>(`/applications/?page_size=1000&${query}`)).body.results.map((one) => one.name);

  test('shows what the caller may view and nothing of the rest, not even in the count', async () => {
    const app = await make(admin);
    const user = await t.user({ application: { [app.id]: ['restart_app'] } });
    const { body } = await user.get<Page>('/applications/');
    expect(body).toMatchObject({ count: 1, prev: null, next: null, results: [{ id: app.id }] });
    expect(body.results[0]?.['available_actions']).toMatchObject({
      view_app: true,
      restart_app: true,
      edit_app: false,
    });
  });

  test('all filters have to hold; wildcards are text', async () => {
    const a = await make(creator, { application_type: 'java' });
    const b = await make(creator, { parent_app: a.id, response_person: [creator.id] });
    expect(await names(creator, `name=${a.name.toUpperCase()}`)).toEqual([a.name]);
    expect(await names(creator, `full_path=${a.name}.${b.name}`)).toEqual([b.name]);
    expect(await names(creator, `full_name=${a.name}&has_parent=0`)).toEqual([a.name]);
    expect(await names(creator, `full_name=${a.name}&has_parent=1`)).toEqual([b.name]);
    expect(await names(creator, `parent_app=${a.id}`)).toEqual([b.name]);
    expect(
      await names(creator, `full_name=${a.name}&response_persons=${creator.id}&response_persons=${admin.id}`),
    ).toEqual([b.name]);
    expect(await names(creator, `name=${a.name}&application_type=av`)).toEqual([a.name]);
    expect(await names(creator, 'name=%25')).toEqual([]);
    expect(await names(creator, 'user=nobody-there')).toEqual([]);
    expect(await names(creator, 'role=nothing')).toEqual([]);
  });

  test('user and role mean grants on the application itself, not those that cover everything', async () => {
    const app = await make(admin);
    const other = await t.user({ system: ['view_app'], application: { [app.id]: ['deploy_app'] } });
    expect(await names(admin, `user=${other.username}`)).toEqual([app.name]);
    const role = await t.db
      .insertInto('roles')
      .values({ name: `role-${unique()}`, creator: 'test' })
      .returning(['id', 'name'])
      .executeTakeFirstOrThrow();
    const grant = { userId: null, roleId: role.id, scope: 'application' as const, objectId: app.id };
    await t.db
      .insertInto('grants')
      .values({ ...grant, permission: 'view_app' })
      .execute();
    expect(await names(admin, `role=${role.name}`)).toEqual([app.name]);
  });

  test.each([
    'has_parent=2',
    'production=x',
    'response_persons=a',
    'page=0',
    'page_size=1001',
    'nonsense=1',
    'name=%00',
    '__proto__=1&__proto__=1',
    'constructor=1',
  ])('refuses %s', async (query) => {
    expect((await creator.get(`/applications/?${query}`)).status).toBe(400);
  });

  test('by users: for oneself always, for others with view_user, cut to what the caller may view', async () => {
    const app = await make(creator);
    const asked = (by: TestUser, ...ids: unknown[]) =>
      by.post<{ user_id: number; applications: App[] }[]>(
        '/applications/get-by-users/',
        ids.map((id) => ({ id, username: 'ignored' })),
      );
    const own = await asked(creator, creator.id);
    expect(own.body[0]?.applications.map((one) => one.id)).toContain(app.id);
    expect(refusal(await asked(creator, admin.id))).toEqual([403, 10003]);
    const clerk = await t.user({ system: ['view_user'] });
    expect((await asked(clerk, creator.id)).body).toEqual([{ user_id: creator.id, applications: [] }]);
    expect(refusal(await asked(clerk, creator.id, 123_456_789))).toEqual([404, 10004, '1.id']);
    expect(refusal(await asked(clerk, creator.id, creator.id))).toEqual([400, 10001, '1.id']);
  });
});

describe('deleting an application', () => {
  test('it is gone, its name is free, its row and record stay', async () => {
    const app = await make(creator);
    expect((await creator.delete(`/applications/${app.id}/`)).body).toEqual({ message: 'success' });
    expect((await creator.get(`/applications/${app.id}/`)).status).toBe(404);
    expect((await records(app.id)).at(-1)).toMatchObject({ opType: 'delete', targetName: app.full_name });
    await make(creator, { name: app.name });
  });

  test('not while something needs it; what the caller may not view is counted and not named', async () => {
    const app = await make(creator);
    const child = await make(admin, { parent_app: app.id });
    const answer = await creator.delete<Refusal>(`/applications/${app.id}/`);
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(answer.body.message).toBe('the application still has 1 children');
    const seen = await admin.delete<Refusal>(`/applications/${app.id}/`, undefined, { 'accept-language': 'zh' });
    expect(seen.body.message).toBe(`应用仍有 1 个子应用: ${child.full_name}`);
    const needs = await make(admin, { required_apps: [child.id] });
    const held = await admin.delete<Refusal>(`/applications/${child.id}/`);
    expect(held.body.message).toContain(needs.full_name);
  });

  test('asks for delete_app', async () => {
    const app = await make(creator);
    const editor = await t.user({ application: { [app.id]: ['edit_app'] } });
    expect(refusal(await editor.delete(`/applications/${app.id}/`))).toEqual([403, 10003]);
  });
});
