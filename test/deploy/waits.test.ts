// Tasks that wait for days, by the engine's clock, which jumps: one test after another. The database is not what
// this is about, so the activities answer what each test says.
import type { WorkflowHandle } from '@temporalio/client';
import { delegateUpdate, stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, reconsiderSignal, startUpdate } from '../../workflows/deploy/contract.ts';
import type { DeployTaskInput, DeployTransition, FreezeRef, Obstacles } from '../../workflows/deploy/contract.ts';
import { eventually } from '../support/harness.ts';
import { skippingEngine } from '../support/time-skipping.ts';
import type { SkippingEngine } from '../support/time-skipping.ts';

let engine: SkippingEngine;
beforeAll(async () => {
  engine = await skippingEngine();
});
afterAll(() => engine.close());

const dayMs = 24 * 3_600_000;
const creator = { id: 1, username: 'li' };
const person = (id: number) => ({ id, username: `user-${id}`, channel: 'token' as const });

let tasks = 0;
let recorded: DeployTransition[] = [];
let freeze: FreezeRef | null = null;
/** Called while it is looked for obstacles, before the answer. */
let whileLooking = (): Promise<unknown> => Promise.resolve();
let looks = 0;
const freezeAt = (at: string): FreezeRef | null => (freeze && at < freeze.until ? freeze : null);

const activities = {
  completePlan: () => Promise.resolve({ planHash: 'a' }),
  remakePlan: ({ at }: { at: string }) => Promise.resolve({ planHash: 'a', difference: null, freeze: freezeAt(at) }),
  findObstacles: async ({ at }: { at: string }): Promise<Obstacles> => {
    const found = freezeAt(at);
    looks += 1;
    await whileLooking();
    return { freeze: found, running: null };
  },
  recordWait: () => Promise.resolve(),
  recordTransition: (transition: DeployTransition) => {
    recorded.push(transition);
    return Promise.resolve();
  },
};

beforeEach(() => {
  recorded = [];
  freeze = null;
  looks = 0;
  whileLooking = () => Promise.resolve();
});

const inDays = async (days: number): Promise<string> =>
  new Date((await engine.now()).getTime() + days * dayMs).toISOString();

async function approved(more: Partial<DeployTaskInput> = {}): Promise<WorkflowHandle> {
  tasks += 1;
  const input: DeployTaskInput = {
    taskId: tasks,
    application: { id: 1, fullName: 'web' },
    creator,
    level: 'I',
    version: '1',
    requiredApprovals: 0,
    plannedExecTime: await inDays(-1),
    ...more,
  };
  return engine.client.workflow.start('deployTask', {
    workflowId: deployTaskWorkflowId(tasks),
    taskQueue: engine.taskQueue,
    args: [input],
  });
}

const start = (handle: WorkflowHandle, id: number) =>
  handle.executeUpdate(startUpdate, { args: [{ actor: person(id), force: false, reason: 'the new shop' }] });
const delegate = (handle: WorkflowHandle, from: number, to: number) =>
  handle.executeUpdate(delegateUpdate, {
    args: [{ actor: person(from), userId: to, username: person(to).username }],
  });
const statusOf = async (handle: WorkflowHandle) => (await handle.query(stateQuery)).status;
const events = (): string[] => recorded.map(({ event }) => event);

test('a task that is started in a freeze is held for its day, and starts for who asked', async () => {
  await engine.withWorker(activities, async () => {
    freeze = { id: 7, until: await inDays(1) };
    const handle = await approved();
    await start(handle, creator.id);
    await engine.pass('23 hours');
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'approved', waitingOn: { kind: 'freeze' } });
    await engine.pass('2 hours');
    await eventually(async () => (await statusOf(handle)) === 'running', { timeout: 20_000 });
    expect(recorded).toMatchObject([
      { event: 'held', also: { heldBy: 7 } },
      { event: 'started', actor: { id: creator.id }, reason: 'the new shop', also: { heldBy: null } },
    ]);
  });
});

test('an automatic start days ahead comes at its time, and not before', async () => {
  await engine.withWorker(activities, async () => {
    const handle = await approved({ autoStart: true, plannedExecTime: await inDays(5) });
    await engine.pass('119 hours');
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'approved', waitingOn: { kind: 'planned_time' } });
    await engine.pass('2 hours');
    await eventually(async () => (await statusOf(handle)) === 'running', { timeout: 20_000 });
    expect(recorded).toMatchObject([{ event: 'started', reason: 'at its planned time' }]);
  });
});

test('a chain of delegations over days ends with the last, who alone may start', async () => {
  await engine.withWorker(activities, async () => {
    const handle = await approved({ plannedExecTime: await inDays(5) });
    await engine.pass('1 day');
    await delegate(handle, creator.id, 2);
    await engine.pass('2 days');
    await expect(delegate(handle, creator.id, 3)).rejects.toThrow();
    await delegate(handle, 2, 3);
    await expect(start(handle, 3)).rejects.toThrow();
    await engine.pass('50 hours');
    for (const id of [creator.id, 2]) await expect(start(handle, id)).rejects.toThrow();
    await start(handle, 3);
    expect(events()).toEqual(['delegated', 'delegated', 'started']);
    expect(recorded.map(({ delegation }) => delegation?.toId)).toEqual([2, 3, undefined]);
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'running', owner: 'user-3' });
  });
});

test('news that come while it looks for obstacles are not lost: it looks again at once', async () => {
  await engine.withWorker(activities, async () => {
    freeze = { id: 8, until: await inDays(2) };
    const handle = await approved();
    whileLooking = async () => {
      if (looks > 1) return;
      // The freeze ends after it was read.
      freeze = null;
      await handle.signal(reconsiderSignal);
    };
    await start(handle, creator.id);
    // No time passes here, so a wait for it never ends.
    await eventually(async () => (await statusOf(handle)) === 'running', { timeout: 20_000 });
    expect([looks, ...events()]).toEqual([2, 'held', 'started']);
  });
});

test('automatic starts that a freeze of three weeks holds come right after its end, also when that is moved', async () => {
  const freezes = new Map<number, FreezeRef>();
  const own = {
    ...activities,
    findObstacles: ({ taskId, at }: { taskId: number; at: string }): Promise<Obstacles> => {
      looksOf.set(taskId, (looksOf.get(taskId) ?? 0) + 1);
      const found = freezes.get(taskId);
      return Promise.resolve({ freeze: found && at < found.until ? found : null, running: null });
    },
  };
  const looksOf = new Map<number, number>();
  await engine.withWorker(own, async () => {
    const began = (await engine.now()).getTime();
    const day = (days: number): string => new Date(began + days * dayMs).toISOString();
    const [asSet, prolonged, shortened, deleted] = [1, 2, 3, 4].map((more) => tasks + more);
    const handles = new Map<number, WorkflowHandle>();
    for (const id of [asSet, prolonged, shortened, deleted] as number[]) {
      freezes.set(id, { id: 100 + id, until: day(21) });
      handles.set(id, await approved({ autoStart: true }));
    }
    /** Passes in days: a single call to the engine must not last long. */
    const until = async (days: number, minutes: number): Promise<void> => {
      const leftMs = async () => began + days * dayMs + minutes * 60_000 - (await engine.now()).getTime();
      while ((await leftMs()) > dayMs) await engine.pass('1 day');
      await engine.pass(Math.max(1, await leftMs()));
    };
    const started = (): number[] => recorded.flatMap(({ event, taskId }) => (event === 'started' ? [taskId] : []));
    const startBy = (ids: unknown[]) => eventually(() => expect(started()).toEqual(ids), { timeout: 20_000 });
    const move = async (id: number | undefined, end: string | null): Promise<void> => {
      if (end === null) freezes.delete(id ?? 0);
      else freezes.set(id ?? 0, { id: 100 + (id ?? 0), until: end });
      await handles.get(id ?? 0)?.signal(reconsiderSignal);
    };

    await until(10, 0);
    await move(prolonged, day(28));
    await move(shortened, day(14));
    await until(12, 0);
    expect(started()).toEqual([]);
    await move(deleted, null);
    await startBy([deleted]);
    await until(14, -1);
    expect(started()).toEqual([deleted]);
    await until(14, 1);
    await startBy([deleted, shortened]);
    await until(21, -1);
    expect(started()).toEqual([deleted, shortened]);
    await until(21, 1);
    await startBy([deleted, shortened, asSet]);
    await until(28, -1);
    expect(started()).toEqual([deleted, shortened, asSet]);
    await until(28, 1);
    await startBy([deleted, shortened, asSet, prolonged]);

    expect(events().filter((event) => event === 'held')).toHaveLength(4);
    for (const [id, days] of [
      [asSet, 21] as const,
      [prolonged, 28] as const,
      [shortened, 14] as const,
      [deleted, 12] as const,
    ]) {
      // It looks less and less often, twice a day in the end; a look is a timer and an activity, with a workflow task for each.
      const looks = looksOf.get(id ?? 0) ?? 0;
      expect(looks).toBeGreaterThan(days * 2 - 5);
      expect(looks).toBeLessThanOrEqual(days * 2 + 15);
      const { events: history } = (await handles.get(id ?? 0)?.fetchHistory()) ?? {};
      expect(history?.length).toBeGreaterThan(looks);
      expect(history?.length).toBeLessThanOrEqual(looks * 11 + 60);
    }
  });
}, 300_000);
