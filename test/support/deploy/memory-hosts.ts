// Many instances on in-memory hosts: what a sub-task does there is scripted, and costs no process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMemoryRunner, createMemoryWorld } from '../../../activities/providers/runner/memory.ts';
import type { Behaviour, MemoryWorld } from '../../../activities/providers/runner/memory.ts';
import { localHostFolder } from '../../../kit/host-path.ts';
import { admitHosts } from '../api/app.ts';
import { makeEstate, makeTask, placePackage } from '../world.ts';
import type { Site, TaskWish, TestEstate } from '../world.ts';
import { act } from './acts.ts';

export interface Hosts {
  world: MemoryWorld;
  /** Hosts on which the `pre_exec` hook fails. */
  broken: Set<string>;
  /** Hosts whose jobs of `stuckAt` run until they are let go. */
  stuck(names: readonly string[]): void;
  /** Lets every job go on. */
  letGo(): void;
}

/** Step whose jobs may be held up. */
const stuckAt = '-unpack-';

/** Hosts of which every job ends well at once, but for those that are stuck or broken. */
export function memoryHosts(): Hosts {
  const stuck = new Set<string>();
  const broken = new Set<string>();
  const waiting: (() => void)[] = [];
  const behaviour: Behaviour = ({ job, host, exit }) => {
    if (stuck.has(host) && job.id.includes(stuckAt)) waiting.push(() => exit(0));
    else exit(broken.has(host) && job.id.includes('-pre_exec-') ? 1 : 0);
  };
  const world = createMemoryWorld(behaviour);
  return {
    world,
    broken,
    stuck: (names) => names.forEach((name) => stuck.add(name)),
    letGo() {
      stuck.clear();
      for (const go of waiting.splice(0)) go();
    },
  };
}

/** The settings and providers of a Slipway whose Salt minions these are. */
export const onMemory = ({ world }: Hosts) => ({
  settings: { saltUrl: 'http://salt.example.com' },
  providers: { runners: { salt: createMemoryRunner(world) } },
});

async function packageOf(site: Site, estate: TestEstate, version: string): Promise<[string, Buffer]> {
  const path = await placePackage(site, estate, version);
  return [path, readFileSync(join(localHostFolder(site.config.dataDir, estate.hostnames[0] ?? ''), path))];
}

/** An estate of so many instances on such hosts, with packages of these versions and without commands of its own. */
export async function memoryEstate(
  site: Site,
  { world }: Pick<Hosts, 'world'>,
  count: number,
  versions: readonly string[] = ['1.0.0'],
): Promise<TestEstate> {
  const estate = await makeEstate(site, 1);
  const { db } = site;
  const packages = await Promise.all(versions.map((version) => packageOf(site, estate, version)));
  await db.deleteFrom('instances').where('applicationId', '=', estate.applicationId).execute();
  await db
    .updateTable('applications')
    .set({ startupCmd: '', stopCmd: '', pidPath: '', runUser: 'work' })
    .where('id', '=', estate.applicationId)
    .execute();
  const names = Array.from({ length: count }, (_, index) => `${estate.name}-m${String(index).padStart(3, '0')}`);
  const runner = createMemoryRunner(world);
  for (const name of names) {
    await runner.prepare({ name, runner: 'salt', address: null });
    for (const [path, data] of packages) world.hosts.get(name)?.files.set(path, { data, mode: 0o644 });
  }
  const hosts = await db
    .insertInto('hosts')
    .values(names.map((name) => ({ name, hostType: 'PHY_HOST', runner: 'salt', status: 'attached', creator: 'test' })))
    .returning('id')
    .execute();
  const ids = hosts.map(({ id }) => id);
  await admitHosts(db, ids);
  const instances = await db
    .insertInto('instances')
    .values(hosts.map(({ id }) => ({ applicationId: estate.applicationId, hostId: id })))
    .returning('id')
    .execute();
  return { ...estate, hostnames: names, instanceIds: instances.map(({ id }) => id) };
}

/** A running deploy task of such an estate. */
export async function startedOnMemory(site: Site, estate: TestEstate, wish: TaskWish = {}): Promise<number> {
  const id = await makeTask(site, { ...estate, hostnames: [] }, { level: 'I', ...wish });
  const { status, body } = await act(estate.manager, id, 'start');
  if (status !== 200) throw new Error(`the task was not started: ${JSON.stringify(body)}`);
  return id;
}
