// A deploy path on a host belongs to one application, however two of them would come to share it.
import { dirname } from 'node:path';
import { createJinja } from '../../kit/jinja/index.ts';
import { unique } from '../support/harness.ts';
import { testApp, type ApiResponse, type TestApp, type TestUser } from '../support/api/app.ts';
import { aHost, anApplication, created, refusal, type Host, type RefusalBody } from '../support/api/inventory.ts';

let t: TestApp;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp({ jinja: createJinja() });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

const attach = (app: number, host: Host, by = admin) =>
  by.post(`/applications/${app}/instances/`, [{ hostid: host.id }]);
const settingsPath = (app: number): string => `/applications/${app}/deploy-settings/`;
const template = (deploy_path: string): Promise<{ id: number; name: string }> =>
  created(admin, '/application/deploy-templates/', { name: `t-${unique()}`, deploy_path, repository: null });
const link = (app: number, id: number) => admin.post(`${settingsPath(app)}template/`, { id });

/** An application deployed to a path on its own host. */
async function owner(path = `/srv/${unique()}`): Promise<{ app: number; name: string; host: Host; path: string }> {
  const name = `app-${unique()}`;
  const [app, host] = [await anApplication(admin, { name, directory: path }), await aHost(t.db, admin)];
  expect((await attach(app, host)).status).toBe(201);
  return { app, name, host, path };
}

/** An application on that host, deployed elsewhere. */
async function neighbour(host: Host, fields: object = {}): Promise<number> {
  const app = await anApplication(admin, { directory: `/srv/${unique()}`, ...fields });
  expect((await attach(app, host)).status).toBe(201);
  return app;
}

type Way = (host: Host, path: string) => Promise<ApiResponse<object>>;
const ways: [string, Way][] = [
  ['attaching the host', async (host, path) => attach(await anApplication(admin, { directory: path }), host)],
  [
    'attaching the host to an application with a template',
    async (host, path) => {
      const app = await anApplication(admin);
      await link(app, (await template(path)).id);
      return attach(app, host);
    },
  ],
  ['the directory', async (host, path) => admin.patch(`/applications/${await neighbour(host)}/`, { directory: path })],
  ['the settings', async (host, path) => admin.patch(settingsPath(await neighbour(host)), { deploy_path: path })],
  [
    'the settings, which go back to the directory',
    async (host, path) => {
      const app = await anApplication(admin, { directory: path });
      await admin.patch(settingsPath(app), { deploy_path: `/srv/${unique()}` });
      expect((await attach(app, host)).status).toBe(201);
      return admin.patch(settingsPath(app), { deploy_path: null });
    },
  ],
  ['linking a template', async (host, path) => link(await neighbour(host), (await template(path)).id)],
  [
    'a template that takes the application',
    async (host, path) => {
      const [app, { id }] = [await neighbour(host), await template(path)];
      return admin.patch(`/application/deploy-templates/${id}/`, { applications: [app] });
    },
  ],
  [
    'a new template that takes the application',
    async (host, path) =>
      admin.post('/application/deploy-templates/', {
        name: `t-${unique()}`,
        deploy_path: path,
        repository: null,
        applications: [await neighbour(host)],
      }),
  ],
  [
    'the path of a linked template',
    async (host, path) => {
      const [app, { id }] = [await neighbour(host), await template(`/srv/${unique()}`)];
      expect((await link(app, id)).status).toBe(200);
      return admin.patch(`/application/deploy-templates/${id}/`, { deploy_path: path });
    },
  ],
  [
    'unlinking a template with clean',
    async (host, path) => {
      const app = await anApplication(admin, { directory: path });
      const { id } = await template(`/srv/${unique()}`);
      await link(app, id);
      expect((await attach(app, host)).status).toBe(201);
      return admin.delete(`${settingsPath(app)}template/`, { id, clean: true });
    },
  ],
];

describe('a deploy path of another application', () => {
  test.each(ways)('is refused through %s', async (_way, come) => {
    const { host, path, name } = await owner();
    const answer = await come(host, path);
    expect(refusal(answer)).toEqual([409, 10005]);
    expect((answer.body as RefusalBody).message).toBe(
      `application ${name} is deployed to ${path} on host ${host.name}, so this one cannot be deployed to ${path} there`,
    );
    expect((await come(await aHost(t.db, admin), path)).status).toBeLessThan(300);
  });

  test.each([
    ['a slash at its end', (path: string) => `${path}/`],
    ['slashes between', (path: string) => path.replaceAll('/', '//')],
    ['steps that stay', (path: string) => `${path.replace('/srv', '/./srv/.')}/.`],
    ['a folder in it', (path: string) => `${path}/releases/1.0`],
    ['a folder above it', dirname],
  ])('is refused with %s', async (_spelling, spelled) => {
    const { host, path } = await owner(`/srv/${unique()}/web`);
    expect(refusal(await attach(await anApplication(admin, { directory: spelled(path) }), host))).toEqual([409, 10005]);
  });

  test.each([
    ['begins alike', (path: string) => `${path}-2`],
    ['begins alike with a dot', (path: string) => `${path}.d`],
    ['lies beside it', () => `/srv/.${unique()}`],
  ])('is another one that %s', async (_how, spelled) => {
    const { host, path } = await owner();
    expect((await attach(await anApplication(admin, { directory: spelled(path) }), host)).status).toBe(201);
  });

  test('is refused without its name to callers who may not view that application', async () => {
    const { host, path, name } = await owner();
    const app = await anApplication(admin, { directory: path });
    const editor = await t.user({ application: { [app]: ['edit_app'] }, host: { [host.id]: ['edit_host'] } });
    const { status, body } = await attach(app, host, editor);
    expect([status, (body as unknown as RefusalBody).message]).toEqual([
      409,
      `another application is deployed to ${path} on host ${host.name}, or to a folder in it or above it`,
    ]);
    expect(JSON.stringify(body)).not.toContain(name);
  });

  test('is refused to a template whose linked applications the caller may not view, without their names or hosts', async () => {
    const { host, path, name } = await owner();
    const manager = await t.user({ system: ['enable_deploy_template_mgmt'] });
    const { id } = await created<{ id: number }>(manager, '/application/deploy-templates/', {
      name: `t-${unique()}`,
      deploy_path: `/srv/${unique()}`,
      repository: null,
    });
    await link(await neighbour(host), id);
    const { status, body } = await manager.patch(`/application/deploy-templates/${id}/`, { deploy_path: path });
    expect(status).toBe(409);
    for (const hidden of [name, host.name]) expect(JSON.stringify(body)).not.toContain(hidden);
  });

  test('is free again once that application has left the host or the path', async () => {
    const first = await owner();
    const { body } = await admin.get<{ results: { id: number }[] }>(`/applications/${first.app}/instances/`);
    await admin.delete(`/applications/${first.app}/instances/`, [{ id: body.results[0]?.id }]);
    expect((await attach(await anApplication(admin, { directory: first.path }), first.host)).status).toBe(201);
    const second = await owner();
    await admin.patch(`/applications/${second.app}/`, { directory: `/srv/${unique()}` });
    expect((await attach(await anApplication(admin, { directory: second.path }), second.host)).status).toBe(201);
  });

  test('is given to only one of two concurrent requests', async () => {
    for (const [first, second] of [
      [ways[0], ways[0]],
      [ways[0], ways[3]],
      [ways[2], ways[8]],
    ] as const) {
      const [host, path] = [await aHost(t.db, admin), `/srv/${unique()}`];
      const answers = await Promise.all([first?.[1](host, path), second?.[1](host, path)]);
      expect(answers.map((answer) => answer?.status === 409).sort()).toEqual([false, true]);
    }
  });
});

describe('a deploy path that two applications already share', () => {
  /** Rows from before the check; the first has a release on the host that `deployed` names. */
  async function shared(deployed: 0 | 1): Promise<[number, number]> {
    const { host, path, app } = await owner();
    const other = await anApplication(admin, { directory: path });
    await t.db.insertInto('instances').values({ applicationId: other, hostId: host.id }).execute();
    const both = [app, other] as const;
    await t.db
      .updateTable('instances')
      .set({ version: '1.0', releases: JSON.stringify(['1.0']) })
      .where('applicationId', '=', both[deployed])
      .execute();
    return [both[deployed], both[1 - deployed] ?? 0];
  }
  const task = (application_id: number) =>
    admin.post('/application/deploy-tasks/', {
      application_id,
      version: '2.0',
      level: 'A',
      package_source: '/packages/a.tar.gz',
      planned_exec_time: Math.floor(Date.now() / 1000),
    });

  test.each([0, 1] as const)('is refused in a plan of the application that came second (%d)', async (deployed) => {
    const [, second] = await shared(deployed);
    const answer = await task(second);
    expect(refusal(answer)).toEqual([409, 10005]);
    expect((answer.body as unknown as RefusalBody).message).toContain('so this one cannot be deployed to');
  });

  test('keeps neither application from other changes, nor from leaving it', async () => {
    const both = await shared(0);
    for (const app of both) {
      expect((await admin.patch(settingsPath(app), { timeout: 7 })).status).toBe(200);
      expect((await admin.patch(`/applications/${app}/`, { description: 'same place' })).status).toBe(200);
      expect((await admin.patch(settingsPath(app), { deploy_path: `/srv/${unique()}` })).status).toBe(200);
    }
  });
});
