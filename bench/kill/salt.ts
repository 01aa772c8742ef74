// Deploys by Salt: a real master, salt-api and three minions, one application on each. The minions are on one machine, so
// what their hosts keep has a folder of its own for each application.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { unique } from '../../test/harness.ts';
import { ownEstate } from '../../test/deploy/processes.ts';
import type { Estate } from '../../test/deploy/processes.ts';
import { runningSalt } from '../../test/providers/servers/salt.ts';
import { beginRun } from '../../test/providers/servers/set-up.ts';
import { endedTask, makeEstate } from '../../test/world.ts';
import type { Application, Scenario } from './scenario.ts';

const initMs = 120_000;

/** Needs root and Debian, and installs Salt from PyPI. */
export async function saltScenario(): Promise<Scenario> {
  const endRun = await beginRun();
  const salt = await runningSalt();
  const { url, user, password, eauth } = salt.settings;
  const site = await ownEstate({
    ...{ SLIPWAY_SALT_URL: url, SLIPWAY_SALT_USER: user, SLIPWAY_SALT_PASSWORD: password, SLIPWAY_SALT_EAUTH: eauth },
    SLIPWAY_SALT_FILE_ROOT: salt.fileRoot,
  });
  const hosts: { id: number; name: string }[] = [];
  let next = 0;
  return {
    site,
    victims: ['worker', 'api', 'temporal', 'postgres', 'salt-api', 'minion'],
    kill: (victim) => salt.kill(victim === 'salt-api' ? 'api' : (salt.minions[next++ % salt.minions.length] ?? '')),
    async applications(version) {
      // The first run comes when worker and API are there.
      if (hosts.length === 0) for (const minion of salt.minions) hosts.push(await initialised(site, minion));
      const packageSource = await packageOf(version);
      return Promise.all(hosts.map((host) => applicationOn(site, host, packageSource)));
    },
    close: async () => {
      await site.close();
      await endRun();
    },
  };
}

async function initialised(site: Estate, minion: string): Promise<{ id: number; name: string }> {
  const admin = await site.user({ admin: true });
  const name = `salt-${unique()}`;
  const made = await admin.post<{ id: number }>('/hosts/', {
    ...{ name, host_type: 'PHY_HOST', runner: 'salt', minion_id: minion },
    ip_address: [{ addr_type: 'PRIVATE', address: '127.0.0.1', network: '127.0.0.0', netmask: '255.0.0.0' }],
  });
  const task = await admin.post<{ id: number }>('/hosts/init-tasks/', { hosts: [{ id: made.body.id }], opts: {} });
  const { status } = await endedTask(site, task.body.id, initMs);
  if (status !== 'finished') throw new Error(`the host of ${minion} could not be initialised`);
  await site.db.updateTable('hosts').set({ status: 'attached' }).where('id', '=', made.body.id).execute();
  return { id: made.body.id, name };
}

async function packageOf(version: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  writeFileSync(join(folder, 'VERSION'), `${version}\n`);
  const file = `${folder}.tar.gz`;
  await create({ file, cwd: folder, gzip: true, portable: true, mtime: new Date(0) }, ['.']);
  return file;
}

async function applicationOn(
  site: Estate,
  host: { id: number; name: string },
  packageSource: string,
): Promise<Application> {
  const estate = await makeEstate(site, 0);
  const directory = join(mkdtempSync(join(tmpdir(), 'host-')), 'web');
  await site.db
    .updateTable('applications')
    .set({ directory, pidPath: `${directory}.pid`, runUser: userInfo().username })
    .where('id', '=', estate.applicationId)
    .execute();
  const { id } = await site.db
    .insertInto('instances')
    .values({ applicationId: estate.applicationId, hostId: host.id })
    .returning('id')
    .executeTakeFirstOrThrow();
  return {
    estate: { ...estate, instanceIds: [id], hostnames: [host.name] },
    packageSource,
    deployPath: () => directory,
  };
}
