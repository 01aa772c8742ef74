// Every path and user that people write keeps to the operator's lists: where it is written, where a plan is made of what
// stands in the rows, and on the host once links are followed.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLog } from '../../activities/host-reads/read.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { ConfigError, parseConfig } from '../../kit/config/config.ts';
import { isBelow, mayRunAs } from '../../kit/host-rules.ts';
import { createJinja } from '../../kit/jinja/index.ts';
import { unique } from '../support/harness.ts';
import { testApp, type ApiResponse, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, refusal } from '../support/api/inventory.ts';
import { packagesIn } from '../support/providers/packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-gate-'));
const config = parseConfig({ SLIPWAY_LOCAL_RUNNER: 'off' });

let t: TestApp;
let editor: TestUser;
let application: number;
let template: number;

beforeAll(async () => {
  t = await testApp({ jinja: createJinja(), config });
  editor = await t.user({ admin: true });
  application = await anApplication(editor, { directory: '/srv/web' });
  const name = `template-${unique()}`;
  template = (
    await created(editor, '/application/deploy-templates/', { name, deploy_path: '/srv/t', repository: null })
  ).id;
});
afterAll(async () => {
  await t.close();
  rmSync(folder, { recursive: true, force: true });
});

const hostile = [
  '/etc',
  '/root/.ssh',
  '/proc/self/root/srv/x',
  '/srv',
  '/srv/.',
  '//etc',
  '/srvx/a',
  '/usr/bin',
  '/dev/shm/x',
  '/sys/x',
];

type Write = (value: string) => Promise<ApiResponse>;
const settings = () => `/applications/${application}/deploy-settings/`;
const templatePath = () => `/application/deploy-templates/${template}/`;
const creation = (fields: object) => editor.post('/applications/', { name: `app-${unique()}`, ...fields });
const newTemplate = (fields: object) =>
  editor.post('/application/deploy-templates/', {
    name: `template-${unique()}`,
    deploy_path: '/srv/t',
    repository: null,
    ...fields,
  });
const hook = (user: string) => ({ lifecycle_hooks: { running_user: user } });

const paths: [string, string, Write, string[]][] = [
  ['directory', 'a new application', (directory) => creation({ directory }), ['/var/www/x', '/opt/a/b']],
  [
    'directory',
    'an application',
    (directory) => editor.patch(`/applications/${application}/`, { directory }),
    ['/data/x'],
  ],
  ['pid_path', 'a new application', (pid_path) => creation({ pid_path }), ['/run/x.pid', '/var/run/a/x', '/srv/x/pid']],
  ['pid_path', 'an application', (pid_path) => editor.patch(`/applications/${application}/`, { pid_path }), ['/run/x']],
  ['stdout_path', 'an application', (stdout_path) => creation({ stdout_path }), ['/var/log/x', '/var/www/x/log']],
  ['stderr_path', 'an application', (stderr_path) => creation({ stderr_path }), ['/home/a/log']],
  ['deploy_path', 'settings', (deploy_path) => editor.patch(settings(), { deploy_path }), ['/srv/web']],
  ['deploy_path', 'a new template', (deploy_path) => newTemplate({ deploy_path }), ['/home/a']],
  ['deploy_path', 'a template', (deploy_path) => editor.patch(templatePath(), { deploy_path }), ['/srv/t']],
];

describe('a path that somebody writes', () => {
  test.each(paths)(
    '%s of %s is refused out of the operator’s roots, and taken below them',
    async (field, _of, write, good) => {
      for (const value of hostile) {
        const answer = await write(value);
        expect([value, ...refusal(answer)]).toEqual([value, 400, 10001, field]);
      }
      for (const value of good) expect([value, (await write(value)).status < 300]).toEqual([value, true]);
    },
  );
});

const users: [string, string, Write][] = [
  ['run_user', 'a new application', (run_user) => creation({ run_user })],
  ['run_user', 'an application', (run_user) => editor.patch(`/applications/${application}/`, { run_user })],
  ['script_running_user', 'settings', (script_running_user) => editor.patch(settings(), { script_running_user })],
  ['lifecycle_hooks.running_user', 'settings', (user) => editor.patch(settings(), hook(user))],
  ['lifecycle_hooks.running_user', 'a new template', (user) => newTemplate(hook(user))],
  ['lifecycle_hooks.running_user', 'a template', (user) => editor.patch(templatePath(), hook(user))],
];

describe('a user that somebody names', () => {
  test.each(users)(
    '%s of %s is refused when commands may not run as them, and taken otherwise',
    async (field, _of, write) => {
      const answer = await write('root');
      expect(refusal(answer)).toEqual([400, 10001, field]);
      expect((await write('work')).status).toBeLessThan(300);
    },
  );
});

describe('a plan', () => {
  const stale: [string, object, object, string][] = [
    ['a directory', { directory: '/etc' }, {}, 'deploy_path'],
    ['a pid file', { pidPath: '/etc/passwd' }, {}, 'pid_path'],
    ['a user', { runUser: 'root' }, {}, 'run_user'],
    ['a deploy path', {}, { deployPath: '/root' }, 'deploy_path'],
  ];
  const taskOf = (id: number, source: string) => ({
    application_id: id,
    version: '1.0',
    level: 'I',
    package_source: source,
    planned_exec_time: 1,
  });

  test.each(stale)(
    'is not made of %s that stands in the rows and is not allowed any more',
    async (_what, own, set, field) => {
      const id = await anApplication(editor, { directory: '/srv/web' });
      if (Object.keys(own).length > 0) await t.db.updateTable('applications').set(own).where('id', '=', id).execute();
      if (Object.keys(set).length > 0)
        await t.db.updateTable('deploySettings').set(set).where('applicationId', '=', id).execute();
      const answer = await editor.post('/application/deploy-tasks/', taskOf(id, '/packages/a.tar'));
      expect(refusal(answer)).toEqual([400, 10001, field]);
    },
  );

  test.each(['/etc/shadow', '/root/x', '/proc/self/environ', 'relative.tar', '/tmp'])(
    'takes no package at %s of a host',
    async (source) => {
      const answer = await editor.post('/application/deploy-tasks/', taskOf(application, source));
      expect(refusal(answer)).toEqual([400, 10001, 'package_source']);
    },
  );
});

describe('on a host', () => {
  const host = { name: 'web-1', runner: 'local' as const, address: null };
  const dataDir = join(folder, 'data');
  const runner = createLocalRunner({ dataDir });
  const at = (path: string): string => join(dataDir, 'hosts', host.name, path);
  beforeAll(async () => {
    await runner.prepare(host);
    for (const one of ['packages', 'etc', 'srv/app', 'var/log']) mkdirSync(at(one), { recursive: true });
    writeFileSync(at('etc/secret.txt'), 'secret');
    writeFileSync(at('packages/fine.txt'), 'fine');
    writeFileSync(at('srv/app/out.log'), 'line');
    symlinkSync('../etc/secret.txt', at('packages/link.txt'));
    symlinkSync('../etc', at('packages/folder'));
    symlinkSync('../etc', at('srv/lead'));
  });

  test('a package is read below a package root, and never by a link that leads out of it', async () => {
    const packages = packagesIn(dataDir, { roots: ['/packages'] });
    const place = { runner, host };
    expect(await packages.fetch(place, '/packages/fine.txt')).toMatchObject({ size: 4 });
    for (const path of [
      '/etc/secret.txt',
      '/packages/link.txt',
      '/packages/folder/secret.txt',
      '/packages/folder',
      '/packages',
    ])
      await expect(packages.fetch(place, path)).rejects.toMatchObject({ kind: 'refused', reason: 'path' });
  });

  test('a deploy path is a root of logs only where it really lies below a deploy root', async () => {
    const read = (path: string, deployPath: string) =>
      readLog(
        runner,
        host,
        {
          path,
          roots: ['/var/log'],
          deploy: { path: deployPath, roots: ['/srv'] },
          part: { mode: 'bytes', from: 'start', offset: 0, count: 10 },
        },
        Date.now() + 60_000,
      );
    expect((await read('/srv/app/out.log', '/srv/app')).content.toString()).toBe('line');
    for (const [path, deployPath] of [
      ['/etc/secret.txt', '/etc'],
      ['/srv/lead/secret.txt', '/srv/lead'],
      ['/srv/app/out.log', '/srv'],
    ] as const)
      await expect(read(path, deployPath)).rejects.toMatchObject({ problem: 'log_outside' });
  });
});

describe('the lists', () => {
  test.each([
    ['/srv/a', ['/srv'], true],
    ['/srv/a/', ['/srv'], true],
    ['/srv/', ['/srv'], false],
    ['/srv/./', ['/srv'], false],
    ['/srvx', ['/srv'], false],
    ['/any/where', ['/'], true],
    ['/', ['/'], false],
    ['/proc/1/root', ['/'], false],
    ['/dev', ['/'], false],
    ['srv/a', ['/srv'], false],
  ])('%s below %j: %j', (path, roots, expected) => {
    expect(isBelow(path, roots)).toBe(expected);
  });

  test.each([
    ['work', ['*', '!root'], true],
    ['root', ['*', '!root'], false],
    ['root', ['root'], true],
    ['work', ['web'], false],
    ['work', [], false],
  ])('%s by %j: %j', (user, list, expected) => {
    expect(mayRunAs(user, list)).toBe(expected);
  });

  test.each([
    [{ SLIPWAY_DEPLOY_ROOTS: 'srv' }],
    [{ SLIPWAY_DEPLOY_ROOTS: '/srv/../etc' }],
    [{ SLIPWAY_PACKAGE_ROOTS: '/proc/self' }],
    [{ SLIPWAY_LOG_ROOTS: '/dev' }],
    [{ SLIPWAY_RUN_USERS: 'a b' }],
  ])('%j is a mistake that is told at the start', (env) => {
    expect(() => parseConfig(env)).toThrow(ConfigError);
  });

  test('the user of a process is allowed on its local hosts and on no others', () => {
    const { localUser } = parseConfig({ SLIPWAY_LOCAL_RUNNER: 'on' }).hostRules;
    expect(localUser).toEqual(expect.any(String));
    expect(config.hostRules.localUser).toBeNull();
  });
});
