// Batches over two providers of which one is in trouble: what its hosts' results say, and that the other's are done.
import type { PowerAction } from '../../activities/providers/cloud/driver.ts';
import type { Fault } from '../doubles/double.ts';
import { testClouds } from './clouds.ts';
import type { CloudName, Clouds } from './clouds.ts';
import { endedHostTask, entriesOf, taskIdOf } from './fleet.ts';
import type { FleetHost, HostTask } from './fleet.ts';

const codes: Record<CloudName, number> = { TECENT_CVM: 30003, TECENT_CPM: 30004, ALI_ECS: 30005, CLOUDSTACK: 30002 };
const names: Record<CloudName, string> = {
  ...{ TECENT_CVM: 'Tencent Cloud CVM', TECENT_CPM: 'Tencent Cloud CPM', ALI_ECS: 'Alibaba Cloud ECS' },
  CLOUDSTACK: 'CloudStack',
};
const keys: Record<CloudName, string> = {
  ...{ TECENT_CVM: 'SLIPWAY_TENCENT_SECRET_KEY', TECENT_CPM: 'SLIPWAY_TENCENT_SECRET_KEY' },
  ...{ ALI_ECS: 'SLIPWAY_ALIYUN_ACCESS_KEY_SECRET', CLOUDSTACK: 'SLIPWAY_CLOUDSTACK_SECRET_KEY' },
};
const before = { start: 'stopped', stop: 'running', restart: 'running' } as const;
const several = 3;
const always = 10_000;
/** Seconds in which those that are well get there. */
const patience = 5;

const otherThan = (type: CloudName): CloudName => (type === 'CLOUDSTACK' ? 'TECENT_CVM' : 'CLOUDSTACK');

/** A batch over hosts of `type` and of another provider, to its end. */
async function batch(clouds: Clouds, action: PowerAction, type: CloudName) {
  const ill = await clouds.hosts(type, several, before[action]);
  const well = await clouds.hosts(otherThan(type), several, before[action]);
  const more = action === 'start' ? {} : { force: true };
  const answer = await clouds.admin.post(`/hosts/${action}-tasks/`, entriesOf([...ill, ...well], more));
  const task = await endedHostTask(clouds, taskIdOf(answer), 90_000);
  for (const secret of clouds.secrets) expect(JSON.stringify(task)).not.toContain(secret);
  return { task, ill, well };
}

const resultsOf = ({ results }: HostTask, hosts: readonly FleetHost[]) =>
  hosts.map(({ id }) => results.find(({ host }) => host === id));

/** Those of the provider that is well are done, each once. */
function expectDone(clouds: Clouds, task: HostTask, type: CloudName, hosts: FleetHost[], action: PowerAction): void {
  for (const result of resultsOf(task, hosts)) expect(result).toMatchObject({ status: 'finished', error_code: null });
  for (const host of hosts) expect(clouds.begunOn(type, host)).toEqual([action]);
}

describe('a provider whose trouble lasts', () => {
  let clouds: Clouds;
  beforeAll(async () => {
    clouds = await testClouds({ patience, wrongKeys: ['ALI_ECS'] });
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
      const { task, ill, well } = await batch(clouds, action, type);
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
    const { task, ill, well } = await batch(clouds, 'restart', 'ALI_ECS');
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
      const { task, ill, well } = await batch(clouds, 'stop', type);
      for (const result of resultsOf(task, ill)) {
        expect(result).toMatchObject({ status: 'failed', error_code: codes[type] });
        expect(result?.message).toContain(keys[type]);
      }
      expectDone(clouds, task, otherThan(type), well, 'stop');
    },
    120_000,
  );
});

describe('a provider whose trouble passes', () => {
  let clouds: Clouds;
  beforeAll(async () => {
    clouds = await testClouds({ patience: 60 });
  }, 60_000);
  afterEach(() => clouds.mend());
  afterAll(() => clouds.close(), 60_000);

  const cases: [CloudName, PowerAction, Fault, 'any' | 'power', number][] = [
    ['TECENT_CVM', 'restart', 'throttle', 'power', 4],
    ['TECENT_CPM', 'stop', 'throttle', 'any', 4],
    ['ALI_ECS', 'restart', 'throttle', 'power', 4],
    ['CLOUDSTACK', 'start', 'throttle', 'any', 4],
    ['TECENT_CVM', 'restart', 'half', 'power', 1],
    ['TECENT_CPM', 'restart', 'drop_after', 'power', 2],
    ['ALI_ECS', 'stop', 'drop_after', 'power', 2],
    ['CLOUDSTACK', 'restart', 'drop_after', 'power', 2],
    ['TECENT_CVM', 'start', 'drop_after', 'power', 2],
    ['CLOUDSTACK', 'stop', 'html_200', 'any', 3],
    ['ALI_ECS', 'start', 'hang', 'power', 1],
  ];
  test.each(cases)(
    '%s (%s, %s): every host is done, each once',
    async (type, action, fault, on, times) => {
      clouds.providers[type].double.meet(fault, on, times);
      const { task, ill, well } = await batch(clouds, action, type);
      expect(task).toMatchObject({ status: 'finished', counts: { finished: 2 * several } });
      expectDone(clouds, task, type, ill, action);
      expectDone(clouds, task, otherThan(type), well, action);
    },
    120_000,
  );

  test('a restart that was put off is made, though the last thing that was done to the machine was a restart', async () => {
    const [host] = await clouds.hosts('TECENT_CVM', 1);
    const { double, machines } = clouds.providers.TECENT_CVM;
    const machine = machines.machines.get(host?.name ?? '');
    if (!host || !machine) throw new Error('no machine');
    machine.last = { action: 'restart', request: 'of last week', time: new Date(0) };
    double.meet('throttle', 'power', 2);
    const taskId = taskIdOf(await clouds.admin.post(`/hosts/${host.id}/actions/restart/`, { force: true }));
    expect(await endedHostTask(clouds, taskId)).toMatchObject({ status: 'finished' });
    expect(clouds.begunOn('TECENT_CVM', host)).toEqual(['restart']);
  }, 60_000);
});
