// A deploy from the API to real hosts: one by SSH, one by Salt, initialised, upgraded with output, looked at, reverted.
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { makeApplication } from '../support/api/app.ts';
import type { TestUser } from '../support/api/app.ts';
import { eventually, unique } from '../support/harness.ts';
import { endedTask, taskOf, testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { makeScript } from '../support/deploy/hooks.ts';
import { runningSalt } from '../support/servers/salt.ts';
import type { SaltServers } from '../support/servers/salt.ts';
import { startSshd } from '../support/servers/sshd.ts';
import type { SshServer } from '../support/servers/sshd.ts';

const long = { timeout: 240_000, interval: 250 };

describe('a deploy from the API', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-deploy-'));
  let ssh: SshServer;
  let salt: SaltServers;
  let world: World;
  let admin: TestUser;

  beforeAll(async () => {
    ssh = await startSshd();
    salt = await runningSalt();
    world = await testWorld({
      env: {
        SLIPWAY_SSH_KEY_FILE: ssh.settings.keyFile,
        SLIPWAY_SSH_KNOWN_HOSTS: ssh.settings.knownHosts,
        SLIPWAY_SSH_PORT: String(ssh.settings.port),
        SLIPWAY_SALT_URL: salt.settings.url,
        SLIPWAY_SALT_USER: salt.settings.user,
        SLIPWAY_SALT_PASSWORD: salt.settings.password,
        SLIPWAY_SALT_EAUTH: salt.settings.eauth,
        SLIPWAY_SALT_FILE_ROOT: salt.fileRoot,
        SLIPWAY_DEPLOY_ROOTS: tmpdir(),
        SLIPWAY_RUN_USERS: '*',
      },
    });
    admin = await world.user({ admin: true });
  });
  afterAll(async () => {
    await world.close();
    await ssh.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A host that was added and initialised as people do it. */
  async function hostBy(runner: 'ssh' | 'salt'): Promise<number> {
    const made = await admin.post<{ id: number }>('/hosts/', {
      name: `${runner}-${unique()}`,
      host_type: 'PHY_HOST',
      runner,
      ...(runner === 'salt' && { minion_id: salt.minions[1] }),
      ip_address: [{ addr_type: 'PRIVATE', address: '127.0.0.1', network: '127.0.0.0', netmask: '255.0.0.0' }],
    });
    expect(made).toMatchObject({ status: 201 });
    const task = await admin.post<{ id: number }>('/hosts/init-tasks/', { hosts: [{ id: made.body.id }], opts: {} });
    expect(task).toMatchObject({ status: 201 });
    expect(await endedTask(world, task.body.id, long.timeout)).toMatchObject({ status: 'finished' });
    return made.body.id;
  }

  async function packageOf(version: string): Promise<string> {
    const content = mkdtempSync(join(folder, 'content-'));
    writeFileSync(join(content, 'VERSION'), `${version}\n`);
    const file = join(folder, `web-${version}.tar.gz`);
    await create({ file, cwd: content, gzip: true, portable: true, mtime: new Date(0) }, ['.']);
    return file;
  }

  async function applicationOn(hostId: number, place: string) {
    const name = `web-${unique()}`;
    const applicationId = await makeApplication(world.db, name);
    await world.db
      .updateTable('applications')
      .set({
        runUser: 'root',
        directory: place,
        startupCmd: 'echo "starting $(cat VERSION)"',
        stopCmd: 'echo stopping',
      })
      .where('id', '=', applicationId)
      .execute();
    const script = await makeScript(world, 'for step in 1 2 3; do echo "hook $step"; sleep 0.2; done');
    const hooks = JSON.stringify({ pre_exec: { running_user: null, script: { id: script } } });
    await world.db
      .insertInto('deploySettings')
      .values({ applicationId, creator: 'test', lifecycleHooks: hooks })
      .execute();
    await world.db.updateTable('hosts').set({ status: 'attached' }).where('id', '=', hostId).execute();
    const { id: instance } = await world.db
      .insertInto('instances')
      .values({ applicationId, hostId })
      .returning('id')
      .executeTakeFirstOrThrow();
    const rights = ['view_app', 'deploy_app', 'view_app_log'];
    return { applicationId, instance, manager: await world.user({ application: { [applicationId]: rights } }) };
  }

  type Application = Awaited<ReturnType<typeof applicationOn>>;

  /** A deploy task of level I, planned and started. */
  async function begun({ applicationId, manager }: Application, version: string): Promise<number> {
    const made = await manager.post<{ id: number }>('/application/deploy-tasks/', {
      application_id: applicationId,
      level: 'I',
      version,
      package_source: await packageOf(version),
      planned_exec_time: Math.floor(Date.now() / 1000) - 60,
    });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    const { id } = made.body;
    await eventually(async () => (await taskOf(world, id)).planHash !== null, long);
    // A start reads the package once more, which takes the engine long over a slow Salt: 503 says to send it again.
    const headers = { 'idempotency-key': unique() };
    const started = await eventually(async () => {
      const answer = await manager.post(`/application/deploy-tasks/${id}/actions/start/`, undefined, headers);
      return answer.status !== 503 && answer;
    }, long);
    expect(started).toMatchObject({ status: 200 });
    return id;
  }

  async function subTask({ manager, instance }: Application, id: number, kind: 'upgrade' | 'revert', version: string) {
    const answer = await manager.post<{ task_id: string }>(`/application/deploy-tasks/${id}/sub-${kind}-tasks/`, {
      instances: [{ id: instance }],
      version,
      timeout: 600,
      ...(kind === 'upgrade' && { update_source: join(folder, `web-${version}.tar.gz`) }),
    });
    expect(answer).toMatchObject({ status: 202 });
    const taskId = Number(answer.body.task_id);
    const ended = await endedTask(world, taskId, long.timeout);
    const output = await manager.get<{ results: { text: string }[] }>(
      `/application/deploy-tasks/${id}/sub-tasks/${taskId}/output/`,
    );
    return { ended, lines: output.body.results.map(({ text }) => text) };
  }

  test.each(['ssh', 'salt'] as const)(
    'to a host by %s brings the version with its output, and a revert brings the former one back',
    async (runner) => {
      const place = join(folder, runner);
      const application = await applicationOn(await hostBy(runner), place);
      const first = await begun(application, '1.0.0');
      expect((await subTask(application, first, 'upgrade', '1.0.0')).ended).toMatchObject({ status: 'finished' });
      await eventually(async () => (await taskOf(world, first)).status === 'finished', long);
      const second = await begun(application, '2.0.0');
      const { ended, lines } = await subTask(application, second, 'upgrade', '2.0.0');
      expect(ended).toMatchObject({ status: 'finished', error: null });
      for (const line of ['hook 1', 'hook 2', 'hook 3', 'starting 2.0.0']) expect(lines).toContain(line);
      expect(readlinkSync(join(place, 'current'))).toBe('releases/2.0.0');
      expect(readFileSync(join(place, 'current', 'VERSION'), 'utf8')).toBe('2.0.0\n');
      await eventually(async () => (await taskOf(world, second)).status === 'finished', long);
      const third = await begun(application, '3.0.0');
      expect((await subTask(application, third, 'revert', '1.0.0')).ended).toMatchObject({ status: 'finished' });
      expect(readlinkSync(join(place, 'current'))).toBe('releases/1.0.0');
    },
    900_000,
  );
});
