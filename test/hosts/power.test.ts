import { createMemoryRunner } from '../../activities/providers/runner/memory.ts';
import { refused, throttled, unavailable } from '../../activities/providers/error.ts';
import { refusal } from '../support/api/inventory.ts';
import { eventually } from '../support/harness.ts';
import {
  aMachine,
  endedHostTask,
  entriesOf,
  hostRow,
  hostTaskOf,
  machines,
  taskIdOf,
  testFleet,
  tieMinions,
} from '../support/hosts/fleet.ts';
import type { FleetWorld } from '../support/hosts/fleet.ts';

let fleet: FleetWorld;
beforeAll(async () => {
  fleet = await testFleet({ patience: 5 });
}, 60_000);
afterAll(() => fleet.close(), 60_000);
beforeEach(() => {
  Object.assign(fleet.cloud, { looks: 0, failure: null, failureAfter: null, begun: [], calls: {} });
  fleet.minions.failure = null;
});

const begunOn = (name: string) => fleet.cloud.begun.filter(({ id }) => id === name);

describe('starting', () => {
  test('goes through the provider and ends when the machine runs and its minion answers', async () => {
    const host = await aMachine(fleet, { os: 'stopped', minion: true });
    tieMinions(fleet);
    fleet.cloud.looks = 1;
    const taskId = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/start/`));
    const task = await endedHostTask(fleet, taskId);
    expect(task).toMatchObject({
      kind: 'start',
      status: 'finished',
      results: [{ status: 'finished', error_code: null }],
    });
    expect(begunOn(host.name)).toMatchObject([{ action: 'start' }]);
    expect(await hostRow(fleet, host)).toMatchObject({ osStatus: 'running', busyTaskId: null });
  }, 60_000);

  test('a machine that never comes up fails with 30003 once patience is over', async () => {
    const host = await aMachine(fleet, { os: 'stopped' });
    fleet.cloud.looks = 1_000;
    const task = await endedHostTask(fleet, taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/start/`)));
    expect(task.results).toMatchObject([{ status: 'failed', error_code: 30003 }]);
    expect(task.results[0]?.message).toContain('after 5 s');
    expect(await hostRow(fleet, host)).toMatchObject({ osStatus: 'stopped', busyTaskId: null });
  }, 60_000);

  test('a running host is refused with 30002, and so is the whole batch', async () => {
    const [up, down] = [await aMachine(fleet), await aMachine(fleet, { os: 'stopped' })];
    const answer = await fleet.admin.post('/hosts/start-tasks/', entriesOf([down, up]));
    expect(refusal(answer)).toEqual([500, 30002, '1.host_id']);
    expect(await hostRow(fleet, down)).toMatchObject({ busyTaskId: null });
  });

  test('a physical host without IPMI is refused with 30003 naming the variable', async () => {
    const host = await aMachine(fleet, { os: 'stopped', type: 'PHY_HOST' });
    const answer = await fleet.admin.post(`/hosts/${host.id}/actions/start/`);
    expect(refusal(answer)).toEqual([500, 30003]);
    expect(answer.body['message']).toContain('SLIPWAY_IPMI');
  });
});

describe('stopping', () => {
  test('asks the guest by its runner, and ends when the provider says stopped; its instances are stopped', async () => {
    const host = await aMachine(fleet);
    fleet.minions.behaviour = ({ job, host: name, exit }) => {
      exit(0);
      const machine = fleet.cloud.machines.get(name);
      if (machine && job.env['SLIPWAY_ACTION'] === 'stop') machine.state = 'stopped';
    };
    const task = await endedHostTask(fleet, taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/stop/`)));
    expect(task.results).toMatchObject([{ status: 'finished', message: null }]);
    expect(begunOn(host.name)).toEqual([]);
    expect(await hostRow(fleet, host)).toMatchObject({ osStatus: 'stopped' });
  }, 60_000);

  test('with force the guest is not asked', async () => {
    const host = await aMachine(fleet);
    const answer = await fleet.admin.post(`/hosts/${host.id}/actions/stop/`, { force: true });
    expect(await endedHostTask(fleet, taskIdOf(answer))).toMatchObject({ status: 'finished' });
    expect(begunOn(host.name)).toMatchObject([{ action: 'stop', force: true }]);
    expect(fleet.minions.hosts.get(host.name)?.jobs.size).toBe(0);
  }, 60_000);

  test('a host whose runner does not answer is stopped by its provider', async () => {
    const host = await aMachine(fleet, { minion: false });
    const answer = await fleet.admin.post(`/hosts/${host.id}/actions/stop/`);
    expect(await endedHostTask(fleet, taskIdOf(answer))).toMatchObject({ status: 'finished' });
    expect(begunOn(host.name)).toMatchObject([{ action: 'stop', force: false }]);
  }, 60_000);

  test('a physical host is down when it has been silent for a while', async () => {
    const host = await aMachine(fleet, { type: 'PHY_HOST' });
    let asked = false;
    fleet.minions.behaviour = ({ exit }) => {
      asked = true;
      exit(0);
    };
    const taskId = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/stop/`));
    await eventually(() => asked, { timeout: 20_000 });
    await eventually(
      async () => (await hostTaskOf(fleet, taskId)).waiting_on?.text.includes('still answers') ?? false,
      {
        timeout: 20_000,
      },
    );
    fleet.minions.failure = (_method, name) => (name === host.name ? unavailable('salt', 'silent') : undefined);
    expect(await endedHostTask(fleet, taskId)).toMatchObject({ status: 'finished' });
    expect(await hostRow(fleet, host)).toMatchObject({ osStatus: 'stopped' });
  }, 60_000);

  test('a stopped host and a busy one are refused, the batch with them', async () => {
    const [up, down, busy] = [await aMachine(fleet), await aMachine(fleet, { os: 'stopped' }), await aMachine(fleet)];
    await fleet.db.updateTable('hosts').set({ busyKind: 'init', busyTaskId: 7 }).where('id', '=', busy.id).execute();
    expect(refusal(await fleet.admin.post('/hosts/stop-tasks/', entriesOf([up, down])))).toEqual([
      409,
      10005,
      '1.host_id',
    ]);
    const answer = await fleet.admin.post('/hosts/stop-tasks/', entriesOf([busy, up]));
    expect(refusal(answer)).toEqual([409, 10005, '0.host_id']);
    expect(answer.body['message']).toContain('task 7');
  });
});

describe('restarting', () => {
  test('by the guest ends when the host answers with another boot id', async () => {
    const host = await aMachine(fleet);
    let boot = 'boot-1';
    fleet.minions.behaviour = ({ job, stdout, exit }) => {
      stdout(`${boot}\n`);
      exit(0);
      if (job.env['SLIPWAY_ACTION'] === 'restart') boot = 'boot-2';
    };
    const taskId = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/restart/`));
    expect(await endedHostTask(fleet, taskId)).toMatchObject({ status: 'finished', kind: 'restart' });
    expect(await hostRow(fleet, host)).toMatchObject({ osStatus: 'running' });
  }, 60_000);

  test('is shown while it goes on, and by force goes through the provider', async () => {
    const host = await aMachine(fleet);
    fleet.cloud.looks = 2;
    const taskId = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/restart/`, { force: true }));
    await eventually(async () => (await hostRow(fleet, host)).osStatus === 'restarting', { timeout: 20_000 });
    expect(await endedHostTask(fleet, taskId)).toMatchObject({ status: 'finished' });
    expect(begunOn(host.name)).toMatchObject([{ action: 'restart', force: true }]);
  }, 60_000);
});

describe('a batch', () => {
  test("over 120 hosts goes in chunks; one that is refused stops no other, and its code is the provider's", async () => {
    const hosts = await machines(fleet, 120, { minion: false });
    const bad = hosts[60];
    fleet.cloud.failure = (method, id) =>
      method === 'power' && id === bad?.name ? refused('memory', 'not in this state') : undefined;
    const taskId = taskIdOf(await fleet.admin.post('/hosts/stop-tasks/', entriesOf(hosts, { force: true })));
    const task = await endedHostTask(fleet, taskId, 90_000);
    expect(task).toMatchObject({ status: 'failed', counts: { finished: 119, failed: 1 } });
    expect(task.results.find(({ host }) => host === bad?.id)).toMatchObject({ status: 'failed', error_code: 30003 });
    expect(fleet.cloud.begun).toHaveLength(119);
    const chunks = ['', '/chunk/1', '/chunk/2', '/chunk/3'].map((end) => `host-task/${taskId}${end}`);
    const statusOf = async (id: string) => (await fleet.temporal.workflow.getHandle(id).describe()).status.name;
    for (const id of chunks) await eventually(async () => (await statusOf(id)) === 'COMPLETED', { timeout: 20_000 });
  }, 120_000);

  test('has at most fifty calls in flight, and waits when it is asked to', async () => {
    const hosts = await machines(fleet, 80, { minion: false });
    fleet.cloud.mostInFlight = 0;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    fleet.cloud.delay = () => gate;
    let throttles = 3;
    fleet.cloud.failure = (method) =>
      method === 'power' && throttles-- > 0 ? throttled('memory', 'too often', 200) : undefined;
    const taskId = taskIdOf(await fleet.admin.post('/hosts/stop-tasks/', entriesOf(hosts, { force: true })));
    await eventually(() => fleet.cloud.inFlight === 50, { timeout: 30_000 });
    fleet.cloud.delay = null;
    open();
    expect(await endedHostTask(fleet, taskId, 60_000)).toMatchObject({ status: 'finished' });
    expect(fleet.cloud.mostInFlight).toBe(50);
    expect(fleet.cloud.begun).toHaveLength(80);
  }, 120_000);

  test('a lost answer is asked for again with the same token, so nothing is done twice', async () => {
    const host = await aMachine(fleet, { minion: false });
    let drops = 2;
    fleet.cloud.failureAfter = (method) =>
      method === 'power' && drops-- > 0 ? unavailable('memory', 'broken') : undefined;
    const taskId = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/restart/`, { force: true }));
    await createMemoryRunner(fleet.minions).prepare({ name: host.name, runner: 'salt', address: null });
    expect(await endedHostTask(fleet, taskId)).toMatchObject({ status: 'finished' });
    expect(begunOn(host.name)).toHaveLength(1);
  }, 60_000);

  test('when no answer arrives after the request, the outcome is unknown', async () => {
    const host = await aMachine(fleet, { minion: false });
    fleet.cloud.failureAfter = (method) => (method === 'power' ? unavailable('memory', 'no route') : undefined);
    const taskId = taskIdOf(await fleet.admin.post(`/hosts/${host.id}/actions/stop/`, { force: true }));
    const task = await endedHostTask(fleet, taskId);
    expect(task).toMatchObject({
      status: 'failed',
      counts: { unknown: 1 },
      results: [{ status: 'unknown', error_code: 30003 }],
    });
  }, 60_000);
});
