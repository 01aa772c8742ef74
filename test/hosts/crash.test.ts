// Workers that die in the middle of a batch over two providers: no host is forgotten, and none restarted twice.
import type { ChildProcess } from 'node:child_process';
import { ended } from '../support/deploy/processes.ts';
import { eventually } from '../support/harness.ts';
import { endedTask } from '../support/world.ts';
import { entriesOf, taskIdOf } from '../support/hosts/fleet.ts';
import { countHosts, hostEstate, nothingWrong } from '../support/hosts/killable.ts';
import type { HostEstate, KillableHost } from '../support/hosts/killable.ts';

let site: HostEstate;
const workers: ChildProcess[] = [];
beforeAll(async () => {
  site = await hostEstate();
  const [, ...two] = await Promise.all([site.start('api'), site.start('worker'), site.start('worker')]);
  workers.push(...two);
}, 120_000);
afterAll(() => site.close(), 60_000);

async function restart(hosts: readonly KillableHost[]): Promise<number> {
  const admin = await site.user({ admin: true });
  return taskIdOf(await admin.post('/hosts/restart-tasks/', entriesOf(hosts, { force: true })));
}

async function killOne(): Promise<void> {
  const worker = workers.shift();
  if (worker) await ended(worker, 'SIGKILL');
}

/** A restart of a hundred hosts of which some have begun when a worker is killed. */
async function killedInTheMiddle(): Promise<{ hosts: KillableHost[]; taskId: number }> {
  const hosts = await site.hosts(100);
  const before = site.begun();
  const taskId = await restart(hosts);
  await eventually(() => site.begun() - before >= 25, { timeout: 60_000 });
  await killOne();
  expect(site.begun() - before).toBeLessThan(100);
  return { hosts, taskId };
}

test('two workers restart a hundred hosts together, each host once', async () => {
  const hosts = await site.hosts(100);
  const taskId = await restart(hosts);
  expect(await endedTask(site, taskId, 90_000)).toMatchObject({ status: 'finished' });
  expect(await countHosts(site, taskId, hosts)).toEqual(nothingWrong);
}, 120_000);

test('when one of two workers is killed, the other one takes over its hosts', async () => {
  const { hosts, taskId } = await killedInTheMiddle();
  expect(await endedTask(site, taskId, 120_000)).toMatchObject({ status: 'finished' });
  expect(await countHosts(site, taskId, hosts)).toEqual(nothingWrong);
}, 180_000);

test('when every worker is killed, the next one goes on', async () => {
  const { hosts, taskId } = await killedInTheMiddle();
  workers.push(await site.start('worker'));
  expect(await endedTask(site, taskId, 120_000)).toMatchObject({ status: 'finished' });
  expect(await countHosts(site, taskId, hosts)).toEqual(nothingWrong);
}, 180_000);
