// Batches over two providers of which one is in trouble: what its hosts' results say, and that the other's are done.
import type { PowerAction } from '../../activities/providers/cloud/driver.ts';
import type { Fault } from '../support/doubles/double.ts';
import type { FleetMachine } from '../support/doubles/fleet.ts';
import { eventually } from '../support/harness.ts';
import { testClouds } from '../support/hosts/clouds.ts';
import type { CloudName, CloudsWorld } from '../support/hosts/clouds.ts';
import { endedHostTask, entriesOf, hostTaskOf, taskIdOf } from '../support/hosts/fleet.ts';
import type { FleetHost, HostTask } from '../support/hosts/fleet.ts';

const codes: Record<CloudName, number> = { TECENT_CVM: 30003, TECENT_CPM: 30004, ALI_ECS: 30005, CLOUDSTACK: 30002 };
const names: Record<CloudName, string> = {
  TECENT_CVM: 'Tencent Cloud CVM',
  TECENT_CPM: 'Tencent Cloud CPM',
  ALI_ECS: 'Alibaba Cloud ECS',
  CLOUDSTACK: 'CloudStack',
};
const keys: Record<CloudName, string> = {
  TECENT_CVM: 'SLIPWAY_TENCENT_SECRET_KEY',
  TECENT_CPM: 'SLIPWAY_TENCENT_SECRET_KEY',
  ALI_ECS: 'SLIPWAY_ALIYUN_ACCESS_KEY_SECRET',
  CLOUDSTACK: 'SLIPWAY_CLOUDSTACK_SECRET_KEY',
};
const before = { start: 'stopped', stop: 'running', restart: 'running' } as const;
const several = 3;
const always = 10_000;
const patience = 600;

const otherThan = (type: CloudName): CloudName => (type === 'CLOUDSTACK' ? 'TECENT_CVM' : 'CLOUDSTACK');

const hostsFor = (clouds: CloudsWorld, action: PowerAction, type: CloudName): Promise<FleetHost[]> =>
  clouds.hosts(type, several, before[action]);

async function begin({ admin }: CloudsWorld, action: PowerAction, hosts: readonly FleetHost[]): Promise<number> {
  const more = action === 'start' ? {} : { force: true };
  return taskIdOf(await admin.post(`/hosts/${action}-tasks/`, entriesOf(hosts, more)));
}

/** A task at its end, with no secret in it. */
async function toTheEnd(clouds: CloudsWorld, taskId: number): Promise<HostTask> {
  const task = await endedHostTask(clouds, taskId, 90_000);
  for (const secret of clouds.secrets) expect(JSON.stringify(task)).not.toContain(secret);
  return task;
}

/** The patience with these hosts has been in vain for long, once each has said what it waits for. */
async function outOfPatience({ db, admin }: CloudsWorld, taskId: number, hosts: readonly FleetHost[]): Promise<void> {
  const saysWhy = async (): Promise<boolean> => {
    const task = await hostTaskOf({ admin }, taskId);
    return resultsOf(task, hosts).every((result) => result?.status === 'running' && result.message !== null);
  };
  await eventually(saysWhy, { timeout: 60_000 });
  const ids = hosts.map(({ id }) => id);
  const started = new Date(Date.now() - 3_600_000);
  await db
    .updateTable('taskResults')
    .set({ started })
    .where('taskId', '=', taskId)
    .where('hostId', 'in', ids)
    .execute();
}

/** A batch over hosts of `type` and of another provider, to its end. */
async function batch(clouds: CloudsWorld, action: PowerAction, type: CloudName, lasts: boolean) {
  const ill = await hostsFor(clouds, action, type);
  const well = await hostsFor(clouds, action, otherThan(type));
  const taskId = await begin(clouds, action, [...ill, ...well]);
  if (lasts) await outOfPatience(clouds, taskId, ill);
  return { task: await toTheEnd(clouds, taskId), ill, well };
}

const resultsOf = ({ results }: HostTask, hosts: readonly FleetHost[]) =>
  hosts.map(({ id }) => results.find(({ host }) => host === id));

/** Those of the provider that is well are done, each once. */
function expectDone(
  clouds: CloudsWorld,
  task: HostTask,
  type: CloudName,
  hosts: FleetHost[],
  action: PowerAction,
): void {
  for (const result of resultsOf(task, hosts)) expect(result).toMatchObject({ status: 'finished', error_code: null });
  for (const host of hosts) expect(clouds.begunOn(type, host)).toEqual([action]);
}

describe('a provider whose trouble lasts', () => {
  let clouds: CloudsWorld;
  beforeAll(async () => {
    clouds = await testClouds({ wrongKeys: ['ALI_ECS'] });
    for (const { machines } of Object.values(clouds.providers)) machines.looks = 0;
  }, 60_000);
  afterEach(() => clouds.mend());
  afterAll(() => clouds.close(), 60_000);

  const cases: [CloudName, PowerAction, Fault][] = [
    ['TECENT_CVM', 'start', 'drop_before'],
    ['TECENT_CPM', 'stop', 'drop_before'],
    ['CLOUDSTACK', 'restart', 'drop_before'],
    ['TECENT_CPM', 'restart', 'html'],
    ['CLOUDSTACK', 'stop', 'type'],
    ['CLOUDSTACK', 'start', 'throttle'],
    ['TECENT_CVM', 'restart', 'throttle'],
  ];
  test.each(cases)(
    '%s (%s, %s): its hosts fail with its code and name, the others are done',
    async (type, action, fault) => {
      clouds.providers[type].double.meet(fault, 'any', always);
      const { task, ill, well } = await batch(clouds, action, type, true);
      expect(task).toMatchObject({ status: 'failed', counts: { finished: several, failed: several } });
      for (const result of resultsOf(task, ill)) {
        expect(result).toMatchObject({ status: 'failed', error_code: action === 'start' ? 30003 : codes[type] });
        expect(result?.message).toContain(names[type]);
        expect(result?.message).toContain(`after ${patience} s`);
        expect(result?.message).not.toMatch(/<|undefined/);
      }
      for (const host of ill) expect(clouds.begunOn(type, host)).toEqual([]);
      expectDone(clouds, task, otherThan(type), well, action);
    },
    120_000,
  );

  test('wrong keys fail at once, naming what to set', async () => {
    const { task, ill, well } = await batch(clouds, 'restart', 'ALI_ECS', false);
    expect(task).toMatchObject({ status: 'failed', counts: { finished: several, failed: several } });
    for (const result of resultsOf(task, ill)) {
      expect(result).toMatchObject({ status: 'failed', error_code: 30005 });
      expect(result?.message).toContain(keys.ALI_ECS);
    }
    for (const host of ill) expect(clouds.begunOn('ALI_ECS', host)).toEqual([]);
    expectDone(clouds, task, 'CLOUDSTACK', well, 'restart');
  }, 120_000);

  test.each(['TECENT_CVM', 'TECENT_CPM', 'CLOUDSTACK'] as const)(
    'keys of %s that have expired fail at once, naming what to set',
    async (type) => {
      clouds.providers[type].double.meet('expired', 'any', always);
      const { task, ill, well } = await batch(clouds, 'stop', type, false);
      for (const result of resultsOf(task, ill)) {
        expect(result).toMatchObject({ status: 'failed', error_code: codes[type] });
        expect(result?.message).toContain(keys[type]);
      }
      expectDone(clouds, task, otherThan(type), well, 'stop');
    },
    120_000,
  );
});

describe('providers whose trouble passes', () => {
  let clouds: CloudsWorld;
  beforeAll(async () => {
    clouds = await testClouds();
  }, 60_000);
  afterEach(() => clouds.mend());
  afterAll(() => clouds.close(), 60_000);

  type Case = [CloudName, PowerAction, Fault, 'any' | 'power', number];
  const cases: Record<string, Case[]> = {
    'that ask for patience': [
      ['TECENT_CVM', 'restart', 'throttle', 'power', 4],
      ['TECENT_CPM', 'stop', 'throttle', 'any', 4],
      ['ALI_ECS', 'restart', 'throttle', 'power', 4],
      ['CLOUDSTACK', 'start', 'throttle', 'any', 4],
    ],
    'whose answers are lost': [
      ['TECENT_CPM', 'restart', 'drop_after', 'power', 2],
      ['ALI_ECS', 'stop', 'drop_after', 'power', 2],
      ['CLOUDSTACK', 'restart', 'drop_after', 'power', 2],
      ['TECENT_CVM', 'start', 'drop_after', 'power', 2],
    ],
    'whose answers are none': [
      ['TECENT_CVM', 'restart', 'half', 'power', 1],
      ['CLOUDSTACK', 'stop', 'html_200', 'any', 3],
      ['ALI_ECS', 'start', 'hang', 'power', 1],
    ],
    'that are not reached': [
      ['TECENT_CVM', 'restart', 'drop_before', 'power', 2],
      ['TECENT_CPM', 'restart', 'drop_before', 'power', 2],
      ['CLOUDSTACK', 'restart', 'drop_before', 'power', 2],
      ['ALI_ECS', 'restart', 'drop_before', 'power', 2],
    ],
  };
  test.each(Object.entries(cases))(
    '%s: every host is done, each once',
    async (_trouble, some) => {
      const work = async ([type, action, fault, on, times]: Case): Promise<void> => {
        const hosts = await hostsFor(clouds, action, type);
        clouds.providers[type].double.meet(fault, on, times);
        const task = await toTheEnd(clouds, await begin(clouds, action, hosts));
        expect(task).toMatchObject({ status: 'finished', counts: { finished: several } });
        expectDone(clouds, task, type, hosts, action);
      };
      await Promise.all(some.map(work));
    },
    120_000,
  );

  /** A restart of a machine whose last restart was another one's, when the provider meets its power call like this. */
  async function restartOfRestarted(fault: Fault, meanwhile: (machine: FleetMachine) => void = () => undefined) {
    const [host] = await clouds.hosts('TECENT_CVM', 1);
    const { double, machines } = clouds.providers.TECENT_CVM;
    const machine = machines.machines.get(host?.name ?? '');
    if (!host || !machine) throw new Error('no machine');
    machine.last = { action: 'restart', request: 'of last week', time: new Date(0) };
    double.meet(fault, 'power', 1);
    const taskId = await begin(clouds, 'restart', [host]);
    await eventually(() => machine.last?.request !== 'of last week' || double.ahead() === 0, { timeout: 60_000 });
    meanwhile(machine);
    return { task: await toTheEnd(clouds, taskId), begun: clouds.begunOn('TECENT_CVM', host) };
  }

  test.each(['throttle', 'drop_before', 'drop_after'] as const)(
    'a restart that meets %s is made once, though the last thing that was done to the machine was a restart',
    async (fault) => {
      const { task, begun } = await restartOfRestarted(fault);
      expect(task).toMatchObject({ status: 'finished' });
      expect(begun).toEqual(['restart']);
    },
    90_000,
  );

  test('a restart whose answer is lost is unknown when something else was done to the machine since', async () => {
    const { task, begun } = await restartOfRestarted('drop_before', (machine) => {
      machine.last = { action: 'start', request: 'of somebody', time: new Date() };
    });
    expect(task).toMatchObject({ status: 'failed', counts: { unknown: 1 }, results: [{ error_code: 30003 }] });
    expect(task.results[0]?.message).toContain('look at it, and restart it again if it was not');
    expect(begun).toEqual([]);
  }, 90_000);
});
