// An upgrade of Slipway as it runs in production, with a real Zabbix: what Zabbix itself says of the hosts meanwhile.
import type { ChildProcess } from 'node:child_process';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, startedTask } from '../support/world.ts';
import { accepted, upgrade } from '../support/deploy/acts.ts';
import { hostsOf } from '../support/deploy/hosts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';
import { startZabbix } from '../support/servers/zabbix.ts';
import type { ZabbixServer } from '../support/servers/zabbix.ts';

let zabbix: ZabbixServer;
let site: ProcessEstate;
let worker: ChildProcess;

beforeAll(async () => {
  zabbix = await startZabbix(process.env.TEST_DATABASE_URL ?? '');
  const { url, user, password } = zabbix;
  site = await ownEstate({
    SLIPWAY_ZABBIX_URL: url,
    SLIPWAY_ZABBIX_USER: user,
    SLIPWAY_ZABBIX_PASSWORD: password,
  });
  [worker] = await Promise.all([site.start('worker'), site.start('api')]);
});
afterAll(async () => {
  await site.close();
  await zabbix.close();
}, 60_000);

const period = async (taskId: number): Promise<string[] | null> => {
  const params = { filter: { name: [`slipway: task/${taskId}`] }, selectHosts: ['host'] };
  const [found] = await zabbix.api<{ hosts: { host: string }[] }[]>('maintenance.get', params);
  return found ? found.hosts.map(({ host }) => host).sort() : null;
};

const inMaintenance = async (names: string[]): Promise<number> => {
  const params = { output: ['maintenance_status'], filter: { host: names, maintenance_status: 1 } };
  return (await zabbix.api<unknown[]>('host.get', params)).length;
};

test('hosts are in maintenance while they are upgraded, a killed worker or not, and not after', async () => {
  const estate = await makeEstate(site);
  const interfaces = [{ type: 1, main: 1, useip: 1, ip: '192.0.2.1', dns: '', port: '10050' }];
  for (const host of estate.hostnames)
    await zabbix.api('host.create', { host, groups: [{ groupid: '2' }], interfaces });
  const waits = 'until [ -e "$SLIPWAY_HOST_ROOT/go" ]; do sleep 0.1; done\n';
  await setHooks(site, estate, { pre_exec: await makeScript(site, waits) });
  const id = await startedTask(site, estate);
  const taskId = accepted(await upgrade(estate, id, { timeout: 900 }));
  expect(await eventually(async () => (await period(taskId)) ?? false, { timeout: 60_000 })).toEqual(estate.hostnames);
  await eventually(async () => (await inMaintenance(estate.hostnames)) === 2, { timeout: 120_000, interval: 500 });

  await ended(worker, 'SIGKILL');
  expect(await period(taskId)).toEqual(estate.hostnames);
  worker = await site.start('worker');
  expect(await period(taskId)).toEqual(estate.hostnames);
  for (const host of hostsOf(site, estate)) host.write('go', '');
  expect(await endedTask(site, taskId, 120_000)).toMatchObject({ status: 'finished' });
  expect(await period(taskId)).toBeNull();
  await eventually(async () => (await inMaintenance(estate.hostnames)) === 0, { timeout: 120_000, interval: 500 });
}, 500_000);
