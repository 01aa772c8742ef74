import { createJinja } from '../../kit/jinja/index.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, refusal } from '../support/api/inventory.ts';

let t: TestApp;
let manager: TestUser;
beforeAll(async () => {
  t = await testApp({ jinja: createJinja() });
  manager = await t.user({ system: ['enable_deploy_template_mgmt', 'create_app'] });
});
afterAll(() => t.close());

type Settings = Record<string, unknown>;
const templates = '/application/deploy-templates/';
const settingsPath = (app: number): string => `/applications/${app}/deploy-settings/`;
const linkPath = (app: number): string => `${settingsPath(app)}template/`;
const settingsOf = async (app: number) => (await manager.get<Settings>(settingsPath(app))).body;
const patch = (app: number, body: object, by = manager) => by.patch<Settings>(settingsPath(app), body);
const link = (app: number, id: unknown, by = manager) => by.post(linkPath(app), { id });
const unlink = (app: number, body: object, by = manager) => by.delete(linkPath(app), body);
const template = (more: object = {}) =>
  created<{ id: number; name: string }>(manager, templates, {
    name: `t-${unique()}`,
    repository: null,
    deploy_path: '/srv/t',
    timeout: 600,
    keep_backups: 9,
    ...more,
  });
const aScript = async () =>
  (await created(manager, '/application/deploy-scripts/', { name: `s-${unique()}`, language: 'bash', content: 'true' }))
    .id;
const recorded = async (app: number) =>
  (await recordsOf(t.db, 'application', app)).filter((one) => one.opType === 'change_deploy_setting');

const secret = 'correct-horse-battery-staple';
const inline = { type: 'PASSWORD', username: 'ci', password: secret };
const git = { type: 'GIT', url: 'https://git.example.com/shop.git', branch: 'main' };
const rowOf = (app: number) =>
  t.db.selectFrom('deploySettings').where('applicationId', '=', app).selectAll().executeTakeFirstOrThrow();
const secretOf = async (app: number): Promise<string> => {
  const credential = (await rowOf(app)).repository?.credential;
  return t.deps.secrets.open(
    inlinePurpose.settings(app),
    credential && 'secret' in credential ? credential.secret : null,
  );
};

describe('linking a template', () => {
  test('drops own values of what it gives, keeps the rest, and is recorded', async () => {
    const app = await anApplication(manager, { directory: '/srv/own' });
    await patch(app, { timeout: 5, deploy_path: '/srv/b', script_running_user: 'work', enabled: false });
    await patch(app, { repository: { ...git, credential: inline } });
    const editor = await t.user({ application: { [app]: ['edit_app'] } });
    const { id, name } = await template();
    expect((await link(app, String(id), editor)).body).toEqual({ message: 'success' });
    expect(await settingsOf(app)).toMatchObject({
      template: { id, name },
      creator: editor.username,
      overrides: [],
      repository: null,
      timeout: 600,
      keep_backups: 9,
      deploy_path: '/srv/t',
      script_running_user: 'work',
      enabled: false,
    });
    const changes = (await recorded(app)).at(-1)?.changes;
    expect(changes).toMatchObject({ template: [null, { id, name }], timeout: [5, 600], repository: [{}, null] });
    expect(JSON.stringify(await recorded(app))).not.toContain(secret);
  });

  test('is live: a change of it holds at once, but for what the application set since', async () => {
    const app = await anApplication(manager);
    const { id } = await template();
    await link(app, id);
    expect((await patch(app, { timeout: 600 })).body['overrides']).toEqual(['timeout']);
    await manager.patch(`${templates}${id}/`, { timeout: 700, keep_backups: 1, deploy_path: '/srv/u' });
    expect(await settingsOf(app)).toMatchObject({ timeout: 600, keep_backups: 1, deploy_path: '/srv/u' });
    expect((await patch(app, { timeout: null })).body).toMatchObject({ timeout: 700, overrides: [] });
    const changes = (await recorded(app)).map((one) => one.changes).slice(1);
    expect(changes).toEqual([{ overrides: [[], ['timeout']] }, { timeout: [600, 700], overrides: [['timeout'], []] }]);
  });

  test('a repetition has no effect, even after the template is disabled; another one replaces it', async () => {
    const app = await anApplication(manager);
    const [first, second] = [await template(), await template({ timeout: 800 })];
    await link(app, first.id);
    await patch(app, { timeout: 5 });
    await manager.patch(`${templates}${first.id}/`, { enabled: false });
    const count = (await recorded(app)).length;
    expect((await link(app, first.id)).status).toBe(200);
    expect(await settingsOf(app)).toMatchObject({ timeout: 5, overrides: ['timeout'] });
    expect(await recorded(app)).toHaveLength(count);
    await link(app, second.id);
    expect(await settingsOf(app)).toMatchObject({ template: { id: second.id }, timeout: 800, overrides: [] });
    expect(refusal(await link(app, first.id))).toEqual([409, 10005]);
  });

  test('the fields of a PATCH are merged into the settings in force', async () => {
    const [app, pre, post] = [await anApplication(manager), await aScript(), await aScript()];
    const hooks = { running_user: 'work', pre_exec: { script: pre } };
    const { id } = await template({ repository: { ...git, credential: inline }, lifecycle_hooks: hooks });
    await link(app, id);
    await patch(app, { lifecycle_hooks: { post_exec: { script: post } }, repository: { type: 'GIT', branch: 'next' } });
    expect(await settingsOf(app)).toMatchObject({
      overrides: ['repository', 'lifecycle_hooks'],
      repository: { branch: 'next', credential: { username: 'ci' } },
      lifecycle_hooks: { running_user: 'work', pre_exec: { script: { id: pre } }, post_exec: { script: { id: post } } },
    });
    expect(await secretOf(app)).toBe(secret);
    const away = { type: 'GIT', url: 'https://evil.example.com/a.git' };
    expect(refusal(await patch(app, { repository: away }))).toEqual([400, 10001, 'repository.credential']);
    const back = await patch(app, { lifecycle_hooks: null, repository: null });
    expect(back.body).toMatchObject({
      overrides: [],
      repository: { branch: 'main' },
      lifecycle_hooks: { post_exec: null },
    });
    const none = await patch(app, { lifecycle_hooks: { running_user: null, pre_exec: null } });
    expect(none.body).toMatchObject({ overrides: ['lifecycle_hooks'], lifecycle_hooks: { pre_exec: null } });
  });

  test.each<[unknown, number, number, string?]>([
    [{}, 400, 10001, 'id'],
    [{ id: 'x' }, 400, 10001, 'id'],
    [{ id: 1, clean: true }, 400, 10001, 'clean'],
    [{ id: 987_654 }, 404, 10004, 'id'],
  ])('a bad body is refused (%#)', async (body, ...expected) => {
    expect(refusal(await manager.post(linkPath(await anApplication(manager)), body))).toEqual(expected);
  });
});

describe('unlinking a template', () => {
  test('copies what was in force, the inline secret too', async () => {
    const [app, pre] = [await anApplication(manager), await aScript()];
    const hooks = { pre_exec: { script: pre } };
    const { id, name } = await template({ repository: { ...git, credential: inline }, lifecycle_hooks: hooks });
    await link(app, id);
    await patch(app, { keep_backups: 2, enabled: false });
    const before = await settingsOf(app);
    expect((await unlink(app, { id })).body).toEqual({ message: 'success' });
    expect(await settingsOf(app)).toEqual({ ...before, template: null, overrides: [] });
    expect(await secretOf(app)).toBe(secret);
    expect((await recorded(app)).at(-1)?.changes).toEqual({
      template: [{ id, name }, null],
      overrides: [['keep_backups'], []],
    });
    await manager.patch(`${templates}${id}/`, { deploy_path: '/srv/elsewhere', repository: null });
    expect(await settingsOf(app)).toMatchObject({ deploy_path: '/srv/t', repository: git, keep_backups: 2 });
    expect((await manager.delete(`${templates}${id}/`)).status).toBe(200);
  });

  test('with clean everything goes back to its default, inline secrets too', async () => {
    const app = await anApplication(manager, { directory: '/srv/own' });
    const { id } = await template({ repository: { ...git, credential: inline } });
    const pristine = await settingsOf(app);
    await link(app, id);
    await patch(app, { enabled: false, script_running_user: 'work', timeout: 5 });
    await patch(app, { repository: { type: 'GIT', credential: inline } });
    expect((await unlink(app, { id: String(id), clean: true })).status).toBe(200);
    expect(await settingsOf(app)).toEqual(pristine);
    expect(await rowOf(app)).toMatchObject({ repository: null, templateId: null, lifecycleHooks: {} });
    expect((await recorded(app)).at(-1)?.changes).toMatchObject({ enabled: [false, true], timeout: [5, 120] });
  });

  test('another template than the linked one, or none: 10005; a bad body: 10001', async () => {
    const app = await anApplication(manager);
    const [linked, other] = [await template(), await template()];
    expect(refusal(await unlink(app, { id: linked.id }))).toEqual([409, 10005]);
    await link(app, linked.id);
    expect(refusal(await unlink(app, { id: other.id }))).toEqual([409, 10005]);
    expect(refusal(await unlink(app, {}))).toEqual([400, 10001, 'id']);
    expect(refusal(await unlink(app, { id: linked.id, clean: 'yes' }))).toEqual([400, 10001, 'clean']);
    expect((await settingsOf(app))['template']).toMatchObject({ id: linked.id });
  });
});

describe('at the same time', () => {
  test('a template that is linked is not deleted, one that is deleted is not linked', async () => {
    for (let round = 0; round < 8; round += 1) {
      const [app, { id }] = [await anApplication(manager), await template()];
      const [linked, deleted] = await Promise.all([link(app, id), manager.delete(`${templates}${id}/`)]);
      expect([`${linked.status} ${deleted.status}`]).toEqual([linked.status === 200 ? '200 409' : '404 200']);
      expect((await settingsOf(app))['template'] === null).toBe(linked.status !== 200);
    }
  });

  test('no change of a template or of settings is lost', async () => {
    const [app, { id }] = [await anApplication(manager), await template()];
    const scripts = [await aScript(), await aScript(), await aScript(), await aScript()];
    const names = ['global_pre_exec', 'pre_exec', 'post_exec', 'global_post_exec'];
    const hooks = names.map((name, index) => ({ lifecycle_hooks: { [name]: { script: scripts[index] } } }));
    await Promise.all(hooks.map((body) => manager.patch(`${templates}${id}/`, body)));
    await link(app, id);
    const all = Object.fromEntries(names.map((name, index) => [name, { script: { id: scripts[index] } }]));
    expect((await settingsOf(app))['lifecycle_hooks']).toMatchObject(all);
    await Promise.all(names.map((name) => patch(app, { lifecycle_hooks: { [name]: null } })));
    const none = Object.fromEntries(names.map((name) => [name, null]));
    expect((await settingsOf(app))['lifecycle_hooks']).toMatchObject(none);
  });

  test('whole sets of applications and single links come one after another', async () => {
    const apps = [await anApplication(manager), await anApplication(manager), await anApplication(manager)];
    const [one, other] = [await template(), await template()];
    const sets = [one, other].map(({ id }) => manager.patch(`${templates}${id}/`, { applications: apps }));
    const links = apps.map((app) => link(app, one.id));
    const settings = apps.map((app) => patch(app, { timeout: 77 }));
    const answers = await Promise.all([...sets, ...links, ...settings]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const shown = async ({ id }: { id: number }) =>
      (await manager.get<{ applications: number[] }>(`${templates}${id}/`)).body.applications;
    expect([...(await shown(one)), ...(await shown(other))].sort((a, b) => a - b)).toEqual(apps);
  });
});
