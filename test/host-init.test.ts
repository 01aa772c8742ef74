import { aHost, type Host } from './api/inventory.ts';
import type { TestUser } from './api/app.ts';
import { eventually } from './harness.ts';
import { testWorld, type World } from './world.ts';

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
      ...{ status: 'inited', os_status: 'running', busy: null },
    });
}, 60_000);
