import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { created, recordsOf, refusal, type RefusalBody } from '../support/api/inventory.ts';

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

const make = (by: TestUser, fields: object = {}) =>
  created<App>(by, '/applications/', { name: `app-${unique()}`, ...fields });
const get = async (by: TestUser, id: number): Promise<App> => (await by.get<App>(`/applications/${id}/`)).body;
const records = (id: number) => recordsOf(t.db, 'application', id);

describe('creating an application', () => {
  test('its creator gets all eight permissions, each with a record, and it has deploy settings', async () => {
    const app = await make(creator, { description: 'a shop', application_type: 7 });
    expect(app).toMatchObject({
      full_name: app.name,
      application_type: '7',
      run_user: 'work',
      directory: '',
      parent_app: null,
      child_apps: [],
      required_apps: [],
      response_person: [],
      has_child: false,
      creator: creator.username,
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
    ['stop_cmd', '\ufeffa\r\nb'],
    ['directory', '/data/$(id)'],
    ['directory', '/data/a b'],
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

  test('a command is kept without the BOM and the line end that editors leave around it', async () => {
    const app = await make(creator, { startup_cmd: '\ufeff./run.sh "a b"\r\n', stop_cmd: 'kill "$P"\n\n' });
    expect(app).toMatchObject({ startup_cmd: './run.sh "a b"', stop_cmd: 'kill "$P"' });
  });

  test('names stay among siblings what they are: unique, by case', async () => {
    const app = await make(creator);
    expect(refusal(await creator.post('/applications/', { name: app.name }))).toEqual([409, 10005]);
    await make(creator, { name: app.name.toUpperCase() });
    await make(creator, { name: app.name, parent_app: app.id });
  });

  test('a refused request leaves no trace', async () => {
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
    const answer = await creator.patch<RefusalBody>(`/applications/${a.id}/`, { parent_app: b.id });
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(answer.body.message).toContain(`${a.name} → ${b.name} → ${a.name}`);
    expect(refusal(await creator.patch(`/applications/${a.id}/`, { parent_app: a.id }))).toEqual([409, 10005]);
  });

  test('of two concurrent moves that together close a cycle, one is refused', async () => {
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

  test('a parent requires edit_app on it, and stays hidden from callers who may not view it', async () => {
    const hidden = await make(admin);
    const shown = await make(admin);
    const user = await t.user({ system: ['create_app'], application: { [shown.id]: ['deploy_app'] } });
    const under = (parent: App) => user.post('/applications/', { name: `n-${unique()}`, parent_app: parent.id });
    expect(refusal(await under(hidden))).toEqual([404, 10004, 'parent_app']);
    expect(refusal(await under(shown))).toEqual([403, 10003, 'parent_app']);
  });

  test('children that the caller cannot see are kept when the caller replaces the list', async () => {
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
    const answer = await creator.patch<RefusalBody>(`/applications/${b.id}/`, { child_apps: [child.id] });
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(answer.body.message).toBe(`${child.name} already belongs to ${a.name}`);
  });
});
