import { createJinja } from '../../kit/jinja/index.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, refusal, type Page, type RefusalBody } from '../support/api/inventory.ts';

let t: TestApp;
let manager: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp({ jinja: createJinja() });
  manager = await t.user({ system: ['enable_deploy_template_mgmt', 'create_app'] });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface Template {
  id: number;
  name: string;
  applications: number[];
  [field: string]: unknown;
}

const path = '/application/deploy-templates/';
const one = (id: number): string => `${path}${id}/`;
const fields = (more: object = {}) => ({ name: `t-${unique()}`, repository: null, deploy_path: '/srv/t', ...more });
const make = (by: TestUser, more: object = {}) => created<Template>(by, path, fields(more));
const change = (id: number, body: object, by = manager) => by.patch<Template>(one(id), body);
const settingsOf = async (app: number, by = admin) => (await by.get(`/applications/${app}/deploy-settings/`)).body;
const aScript = (by: TestUser) =>
  created(by, '/application/deploy-scripts/', { name: `s-${unique()}`, language: 'bash', content: 'true' });

const secret = 'correct-horse-battery-staple';
const inline = { type: 'PASSWORD', username: 'ci', password: secret };
const git = { type: 'GIT', url: 'https://git.example.com/shop.git', branch: 'main' };

describe('deploy templates', () => {
  test('are made, shown, changed and deleted, each with its record', async () => {
    const script = await aScript(manager);
    const hooks = { running_user: 'work', pre_exec: { script: { id: script.id } }, glboal_post_exec: null };
    const template = await make(manager, { timeout: 600, lifecycle_hooks: hooks });
    expect(template).toEqual({
      id: template.id,
      name: template.name,
      enabled: true,
      applications: [],
      creator: manager.username,
      created_time: template['created_time'],
      repository: null,
      deploy_path: '/srv/t',
      timeout: 600,
      keep_backups: 5,
      lifecycle_hooks: {
        running_user: 'work',
        pre_exec: { running_user: null, script },
        post_exec: null,
        global_pre_exec: null,
        global_post_exec: null,
      },
    });
    const changed = await change(template.id, { keep_backups: 0, lifecycle_hooks: { running_user: null } });
    expect(changed.body).toMatchObject({
      keep_backups: 0,
      lifecycle_hooks: { running_user: null, pre_exec: { script: { id: script.id } } },
    });
    expect((await manager.get(one(template.id))).body).toEqual(changed.body);
    await change(template.id, { keep_backups: 0 });
    expect((await change(template.id, { lifecycle_hooks: null })).body['lifecycle_hooks']).toMatchObject({
      pre_exec: null,
    });
    expect((await manager.delete(one(template.id))).body).toEqual({ message: 'success' });
    expect(refusal(await manager.get(one(template.id)))).toEqual([404, 10004]);
    const records = await recordsOf(t.db, 'template', template.id);
    expect(records.map(({ view, opType }) => `${view} ${opType}`)).toEqual([
      'operations create',
      'operations update',
      'operations update',
      'operations delete',
    ]);
    expect(records[1]?.changes).toMatchObject({ keep_backups: [5, 0] });
  });

  test('filters: name anywhere, creator exact', async () => {
    const { name } = await make(manager);
    const count = async (query: string) => (await manager.get<Page>(`${path}?${query}`)).body.count;
    expect(await count(`name=${name.slice(1).toUpperCase()}&creator=${manager.username}`)).toBe(1);
    expect(await count(`name=${name}&creator=${manager.username.slice(1)}`)).toBe(0);
    expect((await manager.get(`${path}?enabled=true`)).status).toBe(400);
  });

  test('a name is taken once', async () => {
    const { name } = await make(manager);
    const other = await make(manager);
    expect(refusal(await manager.post(path, fields({ name })))).toEqual([409, 10005]);
    expect(refusal(await change(other.id, { name }))).toEqual([409, 10005]);
  });

  test.each<[string, object]>([
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(65) }],
    ['name', { name: undefined }],
    ['deploy_path', { deploy_path: undefined }],
    ['deploy_path', { deploy_path: '/' }],
    ['deploy_path', { deploy_path: null }],
    ['repository', { repository: undefined }],
    ['repository', { repository: 4 }],
    ['repository.credential', { repository: git }],
    ['repository.url', { repository: { type: 'GIT', branch: 'main', credential: null } }],
    ['repository.url', { repository: { ...git, url: 'ftp://git.example.com/', credential: null } }],
    ['repository.credential.password', { repository: { ...git, credential: { ...inline, password: '******' } } }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: null }],
    ['keep_backups', { keep_backups: 101 }],
    ['enabled', { enabled: 1 }],
    ['lifecycle_hooks.mid_exec', { lifecycle_hooks: { mid_exec: null } }],
    ['applications', { applications: 7 }],
    ['applications', { applications: Array.from({ length: 1001 }, (_, index) => index + 1) }],
    ['applications.0', { applications: ['x'] }],
    ['applications.1', { applications: [7, { id: 7 }] }],
    ['applications.0.name', { applications: [{ id: 7, name: 'x' }] }],
    ['id', { id: 7 }],
    ['creator', { creator: 'me' }],
    ['script_running_user', { script_running_user: 'root' }],
  ])('a bad %s is 10001 and creates no template (%#)', async (field, more) => {
    const count = async () => (await manager.get<Page>(path)).body.count;
    const before = await count();
    expect(refusal(await manager.post(path, fields(more))).slice(0, 3)).toEqual([400, 10001, field]);
    expect(await count()).toBe(before);
  });

  test('a PATCH needs a field, a script and an application that are there', async () => {
    const { id } = await make(manager);
    expect(refusal(await change(id, {}))).toEqual([400, 10001, '']);
    const hooks = { lifecycle_hooks: { post_exec: { script: 987_654 } } };
    expect(refusal(await change(id, hooks))).toEqual([404, 10004, 'lifecycle_hooks.post_exec.script']);
    expect(refusal(await change(id, { applications: [987_654] }))).toEqual([404, 10004, 'applications.0']);
    expect(refusal(await change(987_654, { timeout: 5 }))).toEqual([404, 10004]);
  });

  test('are read by template users, made by managers, changed by their creators and administrators', async () => {
    const template = await make(manager);
    const app = await anApplication(manager);
    const deployer = await t.user({ application: { [app]: ['deploy_app'] } });
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    const other = await t.user({ system: ['enable_deploy_template_mgmt'] });
    expect((await deployer.get(one(template.id))).status).toBe(200);
    expect(refusal(await viewer.get(path))).toEqual([403, 10003]);
    expect(refusal(await deployer.post(path, fields()))).toEqual([403, 10003]);
    for (const call of [change(template.id, { timeout: 5 }, other), other.delete(one(template.id))])
      expect(refusal(await call)).toEqual([403, 10003]);
    expect((await change(template.id, { timeout: 5 }, admin)).body['creator']).toBe(manager.username);
  });
});

describe('secrets of a template', () => {
  const credentialOf = async (id: number) =>
    (await t.db.selectFrom('deployTemplates').where('id', '=', id).select('repository').executeTakeFirstOrThrow())
      .repository?.credential;

  test('are sealed with it, never shown, and kept when a response is sent back', async () => {
    const template = await make(manager, { repository: { ...git, credential: inline } });
    expect(template['repository']).toMatchObject({ credential: { id: null, username: 'ci', password: '******' } });
    const before = await credentialOf(template.id);
    const sealed = before && 'secret' in before ? before.secret : {};
    expect(t.deps.secrets.open(inlinePurpose.template(template.id), sealed)).toBe(secret);
    await change(template.id, { repository: template['repository'] });
    await change(template.id, { repository: { type: 'GIT', branch: 'next' } });
    expect(await credentialOf(template.id)).toEqual(before);
    await change(template.id, { repository: { type: 'GIT', credential: { ...inline, password: 'another' } } });
    const records = await recordsOf(t.db, 'template', template.id);
    expect(records.at(-1)?.changes).toEqual({ 'repository.credential.secret': ['******', '******'] });
    expect(JSON.stringify([records, t.log])).not.toContain(secret);
  });

  test.each(['https://evil.example.com/a.git', 'https://git.example.com/another.git'])(
    '%s needs the credential again',
    async (url) => {
      const template = await make(manager, { repository: { ...git, credential: inline } });
      const move = (more: object = {}) => change(template.id, { repository: { type: 'GIT', url, ...more } });
      expect(refusal(await move())).toEqual([400, 10001, 'repository.credential']);
      const maskedOne = { credential: { ...inline, password: '******' } };
      expect(refusal(await move(maskedOne))).toEqual([400, 10001, 'repository.credential.password']);
      expect((await move({ credential: inline })).status).toBe(200);
    },
  );

  test("a credential by id is the caller's own, and is not deleted while a template names it", async () => {
    const credentials = '/application/repository-credentials/password/';
    const foreign = await created(admin, credentials, { username: 'ci', password: secret });
    const answer = await manager.post(path, fields({ repository: { ...git, credential: foreign.id } }));
    expect(refusal(answer)).toEqual([404, 10004, 'repository.credential']);
    const own = await created(manager, credentials, { username: 'ci', password: secret });
    const template = await make(manager, { repository: { ...git, credential: own.id } });
    const refused = await manager.delete<RefusalBody>(`${credentials}${own.id}/`);
    expect([...refusal(refused), refused.body.message]).toEqual([409, 10005, 'the credential is used by 1 repository']);
    await change(template.id, { repository: null });
    expect((await manager.delete(`${credentials}${own.id}/`)).status).toBe(200);
  });
});

describe('the applications of a template', () => {
  test('are the whole set: new ones are linked, dropped ones keep what was in force', async () => {
    const [a, b, c] = [await anApplication(manager), await anApplication(manager), await anApplication(manager)];
    const template = await make(manager, { timeout: 700, applications: [a, { id: String(b) }] });
    expect(template.applications).toEqual([a, b]);
    expect(await settingsOf(a)).toMatchObject({ template: { id: template.id, name: template.name }, timeout: 700 });
    expect((await change(template.id, { applications: [b, c], timeout: 800 })).body.applications).toEqual([b, c]);
    expect(await settingsOf(a)).toMatchObject({ template: null, timeout: 800, deploy_path: '/srv/t', overrides: [] });
    expect(await settingsOf(c)).toMatchObject({ template: { id: template.id }, timeout: 800 });
    const ofTemplate = { id: template.id, name: template.name };
    const changes = async (app: number) =>
      (await recordsOf(t.db, 'application', app))
        .filter(({ opType }) => opType === 'change_deploy_setting')
        .map((record) => record.changes?.['template']);
    expect(await changes(a)).toEqual([
      [null, ofTemplate],
      [ofTemplate, null],
    ]);
    expect(await changes(b)).toEqual([[null, ofTemplate]]);
    const [, record] = await recordsOf(t.db, 'template', template.id);
    expect(record?.changes).toMatchObject({
      applications: [
        [a, b],
        [b, c],
      ],
      timeout: [700, 800],
    });
  });

  test('need edit_app where they are added or dropped, and only there', async () => {
    const [mine, seen] = [await anApplication(admin), await anApplication(admin)];
    const user = await t.user({
      system: ['enable_deploy_template_mgmt'],
      application: { [mine]: ['edit_app'], [seen]: ['view_app'] },
    });
    expect(refusal(await user.post(path, fields({ applications: [mine, seen] })))).toEqual([
      403,
      10003,
      'applications.1',
    ]);
    const template = await make(user, { applications: [mine] });
    expect(refusal(await change(template.id, { applications: [seen, mine] }, user))).toEqual([
      403,
      10003,
      'applications.0',
    ]);
    await change(template.id, { applications: [mine, seen] }, admin);
    expect(refusal(await change(template.id, { applications: [mine] }, user))).toEqual([403, 10003, 'applications']);
    expect((await change(template.id, { applications: [seen] }, user)).body.applications).toEqual([seen]);
  });

  test('that the caller may not view are not shown, and stay linked', async () => {
    const [mine, hidden] = [await anApplication(manager), await anApplication(admin)];
    const template = await make(manager);
    await change(template.id, { applications: [hidden] }, admin);
    expect((await manager.get<Template>(one(template.id))).body.applications).toEqual([]);
    expect((await change(template.id, { applications: [mine] })).body.applications).toEqual([mine]);
    expect(refusal(await change(template.id, { applications: [hidden] }))).toEqual([404, 10004, 'applications.0']);
    expect((await change(template.id, { applications: [] })).body.applications).toEqual([]);
    expect((await settingsOf(hidden))['template']).toMatchObject({ id: template.id });
    const refused = await manager.delete<RefusalBody>(one(template.id));
    expect([...refusal(refused), refused.body.message]).toEqual([
      409,
      10005,
      'the template is linked by 1 application',
    ]);
  });

  test('are not added to a template that is not enabled; those linked stay', async () => {
    const [a, b] = [await anApplication(manager), await anApplication(manager)];
    expect(refusal(await manager.post(path, fields({ enabled: false, applications: [a] })))).toEqual([409, 10005]);
    const template = await make(manager, { applications: [a] });
    await change(template.id, { enabled: false, timeout: 900 });
    expect(await settingsOf(a)).toMatchObject({ template: { id: template.id }, timeout: 900 });
    expect(refusal(await change(template.id, { applications: [a, b] }))).toEqual([409, 10005]);
    expect((await change(template.id, { enabled: true, applications: [a, b] })).body.applications).toEqual([a, b]);
  });

  test('that were deleted do not keep a template', async () => {
    const app = await anApplication(manager);
    const template = await make(manager, { applications: [app] });
    expect((await manager.delete(`/applications/${app}/`)).status).toBe(200);
    expect((await manager.get<Template>(one(template.id))).body.applications).toEqual([]);
    expect((await manager.delete(one(template.id))).status).toBe(200);
  });
});

describe('scripts of templates', () => {
  test('count as used; applications use those in force', async () => {
    const [script, other] = [await aScript(manager), await aScript(manager)];
    const [follows, overrides] = [await anApplication(manager), await anApplication(manager)];
    const hook = (id: number) => ({ lifecycle_hooks: { pre_exec: { script: id } } });
    await make(manager, { ...hook(script.id), applications: [follows, overrides] });
    await manager.patch(`/applications/${overrides}/deploy-settings/`, hook(other.id));
    const usersOf = async (id: number) =>
      (await manager.get<Page>(`/application/deploy-scripts/${id}/applications/`)).body.results.map((app) => app.id);
    expect([await usersOf(script.id), await usersOf(other.id)]).toEqual([[follows], [overrides]]);
    const refused = await manager.delete<RefusalBody>(`/application/deploy-scripts/${script.id}/`);
    expect([...refusal(refused), refused.body.message]).toEqual([
      409,
      10005,
      'the script is used by 1 setting or template',
    ]);
  });
});
