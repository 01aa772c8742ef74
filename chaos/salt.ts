// Deploys through Salt: a real master, salt-api and minions on this machine, and one application on all of them.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { create } from 'tar';
import { unique } from '../test/support/harness.ts';
import { ownEstate } from '../test/support/deploy/processes.ts';
import type { ProcessEstate } from '../test/support/deploy/processes.ts';
import { runningSalt } from '../test/support/servers/salt.ts';
import { beginRun } from '../test/support/servers/set-up.ts';
import { endedTask, makeEstate } from '../test/support/world.ts';
import type { TestEstate } from '../test/support/world.ts';
import type { Scenario } from './scenario.ts';

const initMs = 120_000;

/** Requires root and Debian; installs Salt from PyPI. */
export async function saltScenario(count: number): Promise<Scenario> {
  const endRun = await beginRun();
  const salt = await runningSalt(count);
  const { url, user, password, eauth } = salt.settings;
  const site = await ownEstate({
    SLIPWAY_SALT_URL: url,
    SLIPWAY_SALT_USER: user,
    SLIPWAY_SALT_PASSWORD: password,
    SLIPWAY_SALT_EAUTH: eauth,
    SLIPWAY_SALT_FILE_ROOT: salt.fileRoot,
    SLIPWAY_DEPLOY_ROOTS: tmpdir(),
    SLIPWAY_RUN_USERS: '*',
  });
  const hosts: Host[] = [];
  let next = 0;
  return {
    site,
    victims: ['worker', 'api', 'temporal', 'postgres', 'salt-api', 'minion'],
    spanMs: 12_000,
    kill: (victim) => salt.kill(victim === 'salt-api' ? 'api' : (salt.minions[next++ % salt.minions.length] ?? '')),
    async application(version) {
      // The first run starts once worker and API are ready.
      if (hosts.length === 0) for (const minion of salt.minions) hosts.push(await initialised(site, minion));
      const directory = join(salt.ownFolder, unique());
      const minionOf = new Map(hosts.map(({ name, minion }) => [name, minion]));
      const deployPath = (hostname: string): string =>
        join(salt.ownFolderOf(minionOf.get(hostname) ?? ''), basename(directory));
      const estate = await applicationOn(site, hosts, directory);
      return { estate, packageSource: await packageOf(version), deployPath };
    },
    close: async () => {
      await site.close();
      await endRun();
    },
  };
}

interface Host {
  id: number;
  name: string;
  minion: string;
}

async function initialised(site: ProcessEstate, minion: string): Promise<Host> {
  const admin = await site.user({ admin: true });
  const name = `salt-${unique()}`;
  const made = await admin.post<{ id: number }>('/hosts/', {
    name,
    host_type: 'PHY_HOST',
    runner: 'salt',
    minion_id: minion,
    ip_address: [{ addr_type: 'PRIVATE', address: '127.0.0.1', network: '127.0.0.0', netmask: '255.0.0.0' }],
  });
  const task = await admin.post<{ id: number }>('/hosts/init-tasks/', { hosts: [{ id: made.body.id }], opts: {} });
  const { status } = await endedTask(site, task.body.id, initMs);
  if (status !== 'finished') throw new Error(`the host of ${minion} could not be initialised`);
  await site.db.updateTable('hosts').set({ status: 'attached' }).where('id', '=', made.body.id).execute();
  return { id: made.body.id, name, minion };
}

async function packageOf(version: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  writeFileSync(join(folder, 'VERSION'), `${version}\n`);
  const file = `${folder}.tar.gz`;
  await create({ file, cwd: folder, gzip: true, portable: true, mtime: new Date(0) }, ['.']);
  return file;
}

async function applicationOn(site: ProcessEstate, hosts: readonly Host[], directory: string): Promise<TestEstate> {
  const estate = await makeEstate(site, 0);
  const { applicationId } = estate;
  await site.db
    .updateTable('applications')
    .set({ directory, pidPath: `${directory}.pid`, runUser: userInfo().username })
    .where('id', '=', applicationId)
    .execute();
  const instances = await site.db
    .insertInto('instances')
    .values(hosts.map((host) => ({ applicationId, hostId: host.id })))
    .returning('id')
    .execute();
  return { ...estate, instanceIds: instances.map(({ id }) => id), hostnames: hosts.map(({ name }) => name) };
}
