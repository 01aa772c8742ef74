import { createJinja } from '../../kit/jinja/index.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { unique } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, refusal } from '../support/api/inventory.ts';
import { opensshKey } from '../support/api/ssh-keys.ts';

let t: TestApp;
let user: TestUser;
beforeAll(async () => {
  t = await testApp({ jinja: createJinja() });
  user = await t.user({ system: ['create_app', 'enable_deploy_template_mgmt'] });
});
afterAll(() => t.close());

type Settings = Record<string, unknown>;

const pathOf = (app: number): string => `/applications/${app}/deploy-settings/`;
const patch = (app: number, body: object, by = user) => by.patch<Settings>(pathOf(app), body);
const stored = async (app: number) =>
  (await t.db.selectFrom('deploySettings').where('applicationId', '=', app).selectAll().executeTakeFirstOrThrow())
    .repository as { credential: { secret: object } } | null;
const changesOf = async (app: number) =>
  (await recordsOf(t.db, 'application', app)).filter((one) => one.opType === 'change_deploy_setting');

const secret = 'correct-horse-battery-staple';
const inline = { type: 'PASSWORD', username: 'ci', password: secret };
const git = { type: 'GIT', url: 'https://git.example.com/shop.git', branch: 'main' };

describe('deploy settings', () => {
  test('are there from the creation, with their defaults', async () => {
    const app = await anApplication(user, { directory: '/srv/shop' });
    expect((await user.get(pathOf(app))).body).toEqual({
      id: app,
      application: app,
      enabled: true,
      creator: user.username,
      template: null,
      repository: null,
      deploy_path: '/srv/shop',
      script_running_user: null,
      timeout: 120,
      keep_backups: 5,
      overrides: [],
      start_seconds: 30,
      stop_seconds: 60,
      lifecycle_hooks: {
        running_user: null,
        global_pre_exec: null,
        pre_exec: null,
        post_exec: null,
        global_post_exec: null,
      },
    });
  });

  test('a change is recorded with before and after; null goes back to the default', async () => {
    const app = await anApplication(user);
    const editor = await t.user({ application: { [app]: ['edit_app'] } });
    const changed = await patch(app, { timeout: 600, keep_backups: 0, deploy_path: '/srv/a', enabled: false }, editor);
    expect(changed.body).toMatchObject({ timeout: 600, keep_backups: 0, deploy_path: '/srv/a', enabled: false });
    expect(changed.body['creator']).toBe(editor.username);
    const [record] = await changesOf(app);
    expect(record).toMatchObject({ view: 'app', changes: { timeout: [120, 600], enabled: [true, false] } });
    expect(record?.detailEn).toContain('timeout: 120 → 600');
    const seconds = await patch(app, { start_seconds: 90, stop_seconds: 300 });
    expect(seconds.body).toMatchObject({ start_seconds: 90, stop_seconds: 300 });
    expect((await changesOf(app)).at(-1)).toMatchObject({
      changes: { start_seconds: [30, 90], stop_seconds: [60, 300] },
    });
    const nothing = { timeout: null, keep_backups: null, deploy_path: null, start_seconds: null, stop_seconds: null };
    const back = await patch(app, nothing);
    expect(back.body).toMatchObject({
      timeout: 120,
      keep_backups: 5,
      deploy_path: '',
      start_seconds: 30,
      stop_seconds: 60,
    });
    const count = (await changesOf(app)).length;
    await patch(app, { timeout: 120 });
    expect(await changesOf(app)).toHaveLength(count);
  });

  test.each([
    [{}, ''],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: 1e9 }, 'timeout'],
    [{ keep_backups: 101 }, 'keep_backups'],
    [{ keep_backups: '5' }, 'keep_backups'],
    [{ start_seconds: 0 }, 'start_seconds'],
    [{ start_seconds: 86_401 }, 'start_seconds'],
    [{ stop_seconds: 0 }, 'stop_seconds'],
    [{ stop_seconds: 1.5 }, 'stop_seconds'],
    [{ deploy_path: '/' }, 'deploy_path'],
    [{ deploy_path: '/srv/../etc' }, 'deploy_path'],
    [{ deploy_path: 'srv' }, 'deploy_path'],
    [{ script_running_user: 'a b' }, 'script_running_user'],
    [{ enabled: 'yes' }, 'enabled'],
    [{ template: { id: 1 } }, 'template'],
    [{ overrides: [] }, 'overrides'],
    [{ lifecycle_hooks: { mid_exec: null } }, 'lifecycle_hooks.mid_exec'],
    [{ lifecycle_hooks: { running_user: 'x;y' } }, 'lifecycle_hooks.running_user'],
  ])('a bad body is 10001 (%#)', async (body, field) => {
    expect(refusal(await patch(await anApplication(user), body)).slice(0, 3)).toEqual([400, 10001, field]);
  });

  test('`applications` may name this application and no other', async () => {
    const app = await anApplication(user);
    expect((await patch(app, { timeout: 9, applications: [String(app)] })).status).toBe(200);
    expect(refusal(await patch(app, { timeout: 9, applications: [app, 1] }))).toEqual([400, 10001, 'applications']);
    expect(refusal(await patch(app, { applications: [1] }))).toEqual([400, 10001, 'applications']);
  });

  test('seen with view_app, changed with edit_app', async () => {
    const app = await anApplication(user);
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    const stranger = await t.user();
    expect((await viewer.get(pathOf(app))).status).toBe(200);
    expect(refusal(await patch(app, { timeout: 5 }, viewer))).toEqual([403, 10003]);
    expect(refusal(await stranger.get(pathOf(app)))).toEqual([404, 10004]);
  });
});

describe('hooks of deploy settings', () => {
  test('return whole scripts, accept a returned response, and are merged one by one', async () => {
    const app = await anApplication(user);
    const body = { name: `s-${unique()}`, language: 'bash', content: 'true' };
    const script = await created(user, '/application/deploy-scripts/', body);
    const sent = { running_user: 'shop', glboal_post_exec: { running_user: 'web', script: String(script.id) } };
    const first = await patch(app, { lifecycle_hooks: sent });
    const hook = { running_user: 'web', script };
    expect(first.body['lifecycle_hooks']).toMatchObject({ running_user: 'shop', global_post_exec: hook });
    const second = await patch(app, { lifecycle_hooks: { pre_exec: { script } } });
    expect(second.body['lifecycle_hooks']).toMatchObject({
      running_user: 'shop',
      global_post_exec: hook,
      pre_exec: { running_user: null, script },
    });
    const again = await patch(app, { lifecycle_hooks: second.body['lifecycle_hooks'] });
    expect(again.body).toEqual(second.body);
    const cleared = await patch(app, { lifecycle_hooks: { global_post_exec: null } });
    expect(cleared.body['lifecycle_hooks']).toMatchObject({ global_post_exec: null, pre_exec: { script } });
    expect((await patch(app, { lifecycle_hooks: null })).body['lifecycle_hooks']).toMatchObject({ pre_exec: null });
  });

  test('a missing script is 10004 and has no effect', async () => {
    const app = await anApplication(user);
    const answer = await patch(app, { timeout: 7, lifecycle_hooks: { pre_exec: { script: 987_654 } } });
    expect(refusal(answer)).toEqual([404, 10004, 'lifecycle_hooks.pre_exec.script']);
    expect((await user.get(pathOf(app))).body['timeout']).toBe(120);
  });
});

describe('the repository of deploy settings', () => {
  test('an inline secret is sealed with its application and shown nowhere', async () => {
    const app = await anApplication(user);
    const { body } = await patch(app, { repository: { ...git, credential: inline } });
    expect(body['repository']).toEqual({ ...git, credential: { id: null, name: null, ...inline, password: '******' } });
    const row = await stored(app);
    expect(t.deps.secrets.open(inlinePurpose.settings(app), row?.credential.secret)).toBe(secret);
    const records = await changesOf(app);
    expect(JSON.stringify([row, records, t.log])).not.toContain(secret);
    expect(records).toHaveLength(1);
    await patch(app, { repository: { type: 'GIT', credential: { ...inline, password: 'another' } } });
    expect((await changesOf(app)).at(-1)?.changes).toEqual({ 'repository.credential.secret': ['******', '******'] });
  });

  test('is merged without its type, which is needed only where none is stored', async () => {
    const app = await anApplication(user);
    expect(refusal(await patch(app, { repository: { branch: 'next' } }))).toEqual([400, 10001, 'repository.type']);
    await patch(app, { repository: { ...git, credential: inline } });
    const { body } = await patch(app, { repository: { branch: 'next' } });
    expect(body['repository']).toMatchObject({ ...git, branch: 'next', credential: { username: inline.username } });
  });

  test('an answer sent back keeps the secret; another branch or spelling of the address does too', async () => {
    const app = await anApplication(user);
    const first = await patch(app, { repository: { ...git, credential: inline } });
    const before = await stored(app);
    await patch(app, { repository: first.body['repository'] });
    await patch(app, { repository: { type: 'GIT', url: 'https://GIT.example.com:443/shop.git/', branch: 'next' } });
    expect((await stored(app))?.credential).toEqual(before?.credential);
  });

  test.each([
    ['another host', 'https://evil.example.com/shop.git'],
    ['another port', 'https://git.example.com:8443/shop.git'],
    ['another path', 'https://git.example.com/payroll/secrets.git'],
    ['a path below', 'https://git.example.com/shop.git/other.git'],
    ['the same host in the clear', 'http://git.example.com/shop.git'],
  ])('%s needs the credential again', async (_what, url) => {
    const app = await anApplication(user);
    await patch(app, { repository: { ...git, credential: inline } });
    const move = (credential?: unknown) =>
      patch(app, { repository: { type: 'GIT', url, ...(credential !== undefined && { credential }) } });
    expect(refusal(await move())).toEqual([400, 10001, 'repository.credential']);
    expect(refusal(await move({ ...inline, password: '******' }))).toEqual([
      400,
      10001,
      'repository.credential.password',
    ]);
    expect((await move(inline)).status).toBe(200);
    expect((await move(null)).status).toBe(200);
  });

  test("a credential by id is the caller's own, also when another's settings name it", async () => {
    const app = await anApplication(user);
    const editor = await t.user({ application: { [app]: ['edit_app'] } });
    const path = '/application/repository-credentials/password/';
    const credential = await created(user, path, { username: 'ci', password: secret });
    const own = await patch(app, { repository: { ...git, credential: credential.id } });
    expect(own.body['repository']).toMatchObject({ credential: { id: credential.id, name: 'ci', password: '******' } });
    const byEditor = (credentialToSend: unknown, more: object = {}) =>
      patch(app, { repository: { ...git, credential: credentialToSend, ...more } }, editor);
    expect(refusal(await byEditor(credential.id))).toEqual([404, 10004, 'repository.credential']);
    const answered = (own.body['repository'] as { credential: object }).credential;
    expect((await byEditor(answered, { branch: 'next' })).status).toBe(200);
    const elsewhere = await byEditor(answered, { url: 'https://evil.example.com/' });
    expect(refusal(elsewhere)).toEqual([404, 10004, 'repository.credential']);
  });

  const key = { type: 'SSH_PRIVATE_KEY', username: 'git', private_key: opensshKey() };
  test.each<[string, string, object | null, boolean]>([
    ['GIT', 'git@git.example.com:shop/shop.git', key, true],
    ['GIT', 'ssh://git.example.com/shop.git', key, true],
    ['GIT', 'ssh://git.example.com/shop.git', inline, false],
    ['GIT', 'https://git.example.com/shop.git', key, false],
    ['GIT', 'https://me@git.example.com/shop.git', null, false],
    ['GIT', 'https://me:secret@git.example.com/shop.git', null, false],
    ['GIT', 'https://@git.example.com/', null, false],
    ['GIT', 'ssh://-oProxyCommand=reboot/shop.git', key, false],
    ['GIT', 'git@-oProxyCommand=reboot:shop.git', key, false],
    ['GIT', 'git@git.example.com:-shop', key, false],
    ['GIT', 'file:///etc', null, false],
    ['GIT', 'ext::sh -c reboot', null, false],
    ['GIT', '--upload-pack=reboot', null, false],
    ['GIT', 'https://', null, false],
    ['GIT', 'https://a.example.com/\r\nHost: b', null, false],
    ['FTP', 'ftp://files.example.com/releases', inline, true],
    ['FTP', 'ftps://files.example.com/releases', null, true],
    ['FTP', 'sftp://files.example.com/releases', key, true],
    ['FTP', 'sftp://files.example.com/releases', inline, true],
    ['FTP', 'ftp://files.example.com/', key, false],
    ['FTP', 'https://files.example.com/', null, false],
    ['FTP', `ftp://files.example.com/${'x'.repeat(1000)}`, null, false],
  ])('%s %s (%#)', async (type, url, credential, fits) => {
    const repository = { type, url, credential, ...(type === 'GIT' && { branch: 'main' }) };
    const answer = await patch(await anApplication(user), { repository });
    expect(answer.status).toBe(fits ? 200 : 400);
  });

  test.each([
    '',
    '-x',
    'a..b',
    'a b',
    'a~1',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    '@',
    'a@{1}',
    'a\\b',
    'x'.repeat(256),
  ])('refuses the branch %#', async (branch) => {
    const answer = await patch(await anApplication(user), { repository: { ...git, branch } });
    expect(refusal(answer).slice(0, 3)).toEqual([400, 10001, 'repository.branch']);
  });

  test('the encoding of names is kept, shown and taken back, and is for FTP only', async () => {
    const app = await anApplication(user);
    const to = (repository: object) => patch(app, { repository: { type: 'FTP', ...repository } });
    const ftp = { url: 'ftp://a.example.com', credential: null };
    expect((await to({ ...ftp, encoding: 'gbk' })).body['repository']).toMatchObject({ encoding: 'gbk' });
    expect((await to({ url: 'ftp://a.example.com/x' })).body['repository']).toMatchObject({ encoding: 'gbk' });
    expect((await to({ encoding: 'utf8' })).body['repository']).not.toHaveProperty('encoding');
    expect(refusal(await to({ encoding: 'big5' }))).toEqual([400, 10001, 'repository.encoding']);
    const sftp = { url: 'sftp://a.example.com', credential: null, encoding: 'gbk' };
    expect(refusal(await to(sftp))).toEqual([400, 10001, 'repository.encoding']);
    const answer = await patch(app, { repository: { ...git, credential: null, encoding: 'gbk' } });
    expect(refusal(answer)).toEqual([400, 10001, 'repository.encoding']);
  });

  test('another type needs all its fields; what it lacks is named', async () => {
    const app = await anApplication(user);
    await patch(app, { repository: { ...git, credential: inline } });
    const to = (repository: object) => patch(app, { repository });
    expect(refusal(await to({ type: 'FTP', credential: null }))).toEqual([400, 10001, 'repository.url']);
    expect(refusal(await to({ type: 'FTP', url: 'ftp://a.example.com' }))).toEqual([
      400,
      10001,
      'repository.credential',
    ]);
    expect(refusal(await to({ type: 'SVN' }))).toEqual([400, 10001, 'repository.type']);
    expect((await to({ type: 'FTP', url: 'ftp://a.example.com', credential: null })).status).toBe(200);
    expect(refusal(await to({ type: 'FTP', branch: 'main' }))).toEqual([400, 10001, 'repository.branch']);
    expect((await patch(app, { repository: null })).body['repository']).toBeNull();
  });
});
