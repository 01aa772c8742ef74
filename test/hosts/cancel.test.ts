import { createEngine } from '../../api/engine/engine.ts';
import { lostTask, reconcile } from '../../api/background/reconcile.ts';
import { unavailable } from '../../activities/providers/error.ts';
import { hostChunkWorkflowId, hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
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
} from '../support/hosts/fleet.ts';
import type { FleetWorld, FleetHost } from '../support/hosts/fleet.ts';

let fleet: FleetWorld;
beforeAll(async () => {
  fleet = await testFleet();
}, 60_000);
afterAll(() => fleet.close(), 60_000);
beforeEach(() => {
  Object.assign(fleet.cloud, { begun: [], delay: null, failure: null, calls: {} });
});

/** Holds up every machine's first look, and of those in `asked` the call itself, until it is opened. */
function held(asked: readonly FleetHost[] = []): () => void {
  const names = new Set(asked.map(({ name }) => name));
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  fleet.cloud.delay = (method, id) => (method === (names.has(id) ? 'power' : 'find') ? gate : Promise.resolve());
  return open;
}

const stopAll = async (hosts: readonly FleetHost[]): Promise<number> =>
  taskIdOf(await fleet.admin.post('/hosts/stop-tasks/', entriesOf(hosts, { force: true })));
const cancel = (id: number) => fleet.admin.post(`/hosts/tasks/${id}/actions/cancel/`);

describe('cancelling', () => {
  test('lets what has begun end, and fails the rest as cancelled, without a call', async () => {
    const hosts = await machines(fleet, 8, { minion: false });
    const open = held(hosts.slice(0, 5));
    const id = await stopAll(hosts);
    await eventually(() => fleet.cloud.inFlight === 8 && fleet.cloud.calls.power === 5, { timeout: 30_000 });
    expect((await cancel(id)).body).toEqual({ message: 'success' });
    open();
    const task = await endedHostTask(fleet, id, 60_000);
    expect(task).toMatchObject({ status: 'failed', counts: { finished: 5, failed: 3 } });
    const failed = task.results.filter(({ status }) => status === 'failed');
    expect(failed[0]).toMatchObject({
      error_code: 10005,
      message: `cancelled by ${fleet.admin.username} before it started`,
    });
    expect(fleet.cloud.begun).toHaveLength(5);
    for (const host of hosts) expect(await hostRow(fleet, host)).toMatchObject({ busyTaskId: null });
  }, 120_000);

  test('from the engine means the same', async () => {
    const hosts = await machines(fleet, 3, { minion: false });
    const open = held();
    const id = await stopAll(hosts);
    await eventually(() => fleet.cloud.inFlight === 3, { timeout: 30_000 });
    await fleet.temporal.workflow.getHandle(hostTaskWorkflowId(id)).cancel();
    await eventually(
      async () => {
        const row = await fleet.db.selectFrom('tasks').select('cancelledBy').where('id', '=', id).executeTakeFirst();
        return row?.cancelledBy === 'an operator';
      },
      { timeout: 20_000 },
    );
    open();
    expect(await endedHostTask(fleet, id)).toMatchObject({ status: 'failed', counts: { failed: 3 } });
    expect(fleet.cloud.begun).toEqual([]);
  }, 90_000);

  test('by an update without proof is refused, recorded, and stops nothing', async () => {
    const hosts = await machines(fleet, 2, { minion: false });
    const open = held();
    const id = await stopAll(hosts);
    await eventually(() => fleet.cloud.inFlight === 2, { timeout: 30_000 });
    const actor = { id: fleet.admin.id, username: fleet.admin.username, channel: 'token' };
    const handle = fleet.temporal.workflow.getHandle(hostTaskWorkflowId(id));
    for (const proof of [undefined, { at: new Date().toISOString(), mac: 'a'.repeat(64) }])
      await expect(handle.executeUpdate('cancel', { args: [{ actor, proof }] })).rejects.toMatchObject({
        cause: { message: expect.stringContaining('carries no valid proof of its sender') as string },
      });
    const refused = await fleet.db
      .selectFrom('auditRecords')
      .select(['operator', 'outcome'])
      .where('targetType', '=', 'host_task')
      .where('targetId', '=', id)
      .where('outcome', '=', 'refused')
      .execute();
    expect(refused).toEqual(Array(2).fill({ operator: 'unknown', outcome: 'refused' }));
    open();
    expect(await endedHostTask(fleet, id, 60_000)).toMatchObject({ status: 'finished', counts: { finished: 2 } });
  }, 90_000);

  test('an ended task is refused', async () => {
    const [host] = await machines(fleet, 1, { minion: false });
    const id = await stopAll(host ? [host] : []);
    await endedHostTask(fleet, id);
    expect(refusal(await cancel(id))).toEqual([409, 10005]);
  }, 60_000);
});

describe('a task whose workflow was ended by hand', () => {
  test('is lost: what was under way is unknown, its hosts are free, and nothing is done again', async () => {
    const host = await aMachine(fleet, { minion: false });
    fleet.cloud.failure = (method) => (method === 'find' ? unavailable('memory', 'away') : undefined);
    const id = await stopAll([host]);
    await eventually(async () => (await hostTaskOf(fleet, id)).waiting_on?.text.includes('away') ?? false, {
      timeout: 20_000,
    });
    await fleet.temporal.workflow.getHandle(hostTaskWorkflowId(id)).terminate('by hand');
    const engine = createEngine(fleet.temporal, fleet.config.taskQueue, { add: () => undefined }, fleet.deps.secrets);
    expect(await reconcile(fleet.db, engine, new Date(Date.now() + 3_600_000))).toBe(1);
    fleet.cloud.failure = null;
    const task = await hostTaskOf(fleet, id);
    expect(task).toMatchObject({ status: 'failed', results: [{ status: 'unknown', error_code: 10005 }] });
    expect(task.results[0]?.message).toContain(lostTask);
    expect(await hostRow(fleet, host)).toMatchObject({ busyTaskId: null, busyKind: null });
    expect(fleet.cloud.begun).toEqual([]);
    expect(await reconcile(fleet.db, engine, new Date(Date.now() + 3_600_000))).toBe(0);
  }, 90_000);

  test('with its chunks: all of its hosts are free; of a chunk alone the task settles them itself', async () => {
    for (const isWhole of [true, false]) {
      const hosts = await machines(fleet, 52, { minion: false });
      fleet.cloud.failure = (method) => (method === 'find' ? unavailable('memory', 'away') : undefined);
      const id = await stopAll(hosts);
      const chunkId = hostChunkWorkflowId(id, 1);
      const open = async () => (await fleet.temporal.workflow.getHandle(chunkId).describe()).status.name === 'RUNNING';
      await eventually(open, { timeout: 20_000 });
      await eventually(async () => (await hostTaskOf(fleet, id)).counts['running'] === 52, { timeout: 30_000 });
      await fleet.temporal.workflow.getHandle(isWhole ? hostTaskWorkflowId(id) : chunkId).terminate('by hand');
      const engine = createEngine(fleet.temporal, fleet.config.taskQueue, { add: () => undefined }, fleet.deps.secrets);
      expect(await reconcile(fleet.db, engine, new Date(Date.now() + 3_600_000))).toBe(isWhole ? 1 : 0);
      fleet.cloud.failure = null;
      const task = await endedHostTask(fleet, id, 60_000);
      expect(task).toMatchObject({ status: 'failed', counts: isWhole ? { unknown: 52 } : { unknown: 50 } });
      const ids = hosts.map((host) => host.id);
      const busy = fleet.db.selectFrom('hosts').select('id').where('id', 'in', ids).where('busyTaskId', 'is not', null);
      expect(await busy.execute()).toEqual([]);
    }
  }, 150_000);
});
