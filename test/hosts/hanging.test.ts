// The installation of a package that hangs on its host, as a package manager that waits for ever does.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../kit/host-path.ts';
import type { TestUser } from '../support/api/app.ts';
import { aHost, created } from '../support/api/inventory.ts';
import type { Host } from '../support/api/inventory.ts';
import { processesOf } from '../support/deploy/listing.ts';
import { eventually, unique } from '../support/harness.ts';
import { zipOf } from '../support/providers/archives.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { endedHostTask } from '../support/hosts/fleet.ts';
import type { HostTask } from '../support/hosts/fleet.ts';

const seconds = 2;
let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld({ env: { SLIPWAY_HOST_INSTALL_SECONDS: String(seconds) } });
  admin = await world.user({ admin: true });
}, 60_000);
afterAll(() => world.close(), 60_000);

const initialised = async (host: Host, shipped: { id: number }): Promise<HostTask> => {
  const body = { hosts: [{ id: host.id }], opts: { shipped_packages: [{ id: shipped.id }] } };
  return endedHostTask({ admin }, (await created<HostTask>(admin, '/hosts/init-tasks/', body)).id, 90_000);
};

test('it is ended after its time, with nothing left of it on the host, and the same once more installs it', async () => {
  const host = await aHost(world.db, admin, 'raw');
  const root = localHostFolder(world.config.dataDir, host.name);
  mkdirSync(join(root, 'srv'), { recursive: true });
  const source = join(root, 'srv/tool.zip');
  execFileSync('mkfifo', [source]);
  const name = `p-${unique()}`;
  const shipped = await created(admin, '/resource-request/shipped-packages/', {
    name,
    type: 'zip',
    source: '/srv/tool.zip',
  });
  const { results } = await initialised(host, shipped);
  expect(results).toMatchObject([
    {
      status: 'failed',
      error_code: 30004,
      message: expect.stringContaining(
        `${name} could not be installed: it took longer than ${seconds} s and was ended`,
      ),
    },
  ]);
  await eventually(() => expect(processesOf(root)).toEqual([]));
  expect((await admin.get<Host>(`/hosts/${host.id}/`)).body).toMatchObject({ status: 'raw', busy: null });

  rmSync(source);
  writeFileSync(source, zipOf([{ path: 'bin/tool', content: 'whole', mode: 0o755 }]));
  expect(await initialised(host, shipped)).toMatchObject({ status: 'finished' });
  expect(readFileSync(join(root, 'opt', name, 'bin/tool'), 'utf8')).toBe('whole');
}, 180_000);
