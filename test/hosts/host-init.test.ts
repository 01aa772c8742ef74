import { aHost, created, recordsOf, type Host } from '../support/api/inventory.ts';
import { grantLogin } from '../../db/hosts/login-users.ts';
import type { TestUser } from '../support/api/app.ts';
import { eventually } from '../support/harness.ts';
import { testWorld, type World } from '../support/world.ts';

let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld();
  admin = await world.user({ admin: true });
}, 60_000);
afterAll(() => world.close(), 60_000);

interface Task {
  id: number;
  status: string;
  results: { status: string }[];
}

test('hosts that answer become inited and free, and their task says finished', async () => {
  const hosts = [await aHost(world.db, admin, 'raw'), await aHost(world.db, admin, 'raw')];
  const created = await admin.post<Task>('/hosts/init-tasks/', { hosts: hosts.map(({ id }) => ({ id })), opts: {} });
  expect(created.status).toBe(201);
  const { body: task } = await eventually(
    async () => {
      const answer = await admin.get<Task>(`/hosts/tasks/${created.body.id}/`);
      return answer.body.status !== 'running' && answer;
    },
    { timeout: 30_000 },
  );
  expect(task).toMatchObject({ status: 'finished', results: [{ status: 'finished' }, { status: 'finished' }] });
  for (const { id } of hosts)
    expect((await admin.get<Host>(`/hosts/${id}/`)).body).toMatchObject({
      status: 'inited',
      os_status: 'running',
      busy: null,
    });
}, 60_000);

test('users are let in to each host at the end, once, with a record of the platform', async () => {
  const hosts = [await aHost(world.db, admin, 'raw'), await aHost(world.db, admin, 'raw')] as const;
  const [guest, known] = [await world.user({}), await world.user({ host: { [hosts[0].id]: ['login_host'] } })];
  const opts = { users_with_login_perm: [{ id: guest.id }, { id: known.id }] };
  const { id } = await created<Task>(admin, '/hosts/init-tasks/', {
    hosts: hosts.map((host) => ({ id: host.id })),
    opts,
  });
  await eventually(async () => (await admin.get<Task>(`/hosts/tasks/${id}/`)).body.status === 'finished', {
    timeout: 30_000,
  });
  const letIn = async (): Promise<unknown[]> => {
    const records = await Promise.all(hosts.map((host) => recordsOf(world.db, 'host', host.id)));
    return records.map((ofHost) =>
      ofHost
        .filter(({ view, operator }) => view === 'resources' && operator === 'system')
        .map((one) => [one.permName, one.action, one.authorizedTargetName]),
    );
  };
  const given = ({ username }: TestUser): unknown[] => ['login_host', 'enable', username];
  expect(await letIn()).toEqual([[given(guest)], [given(guest), given(known)]]);
  expect((await admin.get<{ results: object[] }>(`/users/${guest.id}/host/perms/`)).body.results).toMatchObject(
    hosts.map((host) => ({ id: host.id, permission: { login_host: true, edit_host: false } })),
  );
  const gone = await world.user({});
  await world.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', gone.id).execute();
  for (const host of hosts) await grantLogin(world.db, host, [guest.id, known.id, gone.id]);
  expect(await letIn()).toEqual([[given(guest)], [given(guest), given(known)]]);
});
