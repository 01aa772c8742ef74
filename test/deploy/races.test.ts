// What comes in between: a pause, a person's own sub-task, the end of the time. The database and the hosts are not what this
// is about, so the activities answer what each test says, and when.
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import {
  deployTaskWorkflowId,
  pauseUpdate,
  resumeUpdate,
  startUpdate,
  upgradeUpdate,
} from '../../workflows/deploy/contract.ts';
import type { DeployTransition, SettleInput, SubTaskInput, SubTaskRequest } from '../../workflows/deploy/contract.ts';
import type { StepInput } from '../../workflows/deploy/ports.ts';
import { eventually } from '../support/harness.ts';
import { skippingEngine } from '../support/time-skipping.ts';
import type { SkippingEngine } from '../support/time-skipping.ts';

let engine: SkippingEngine;
beforeAll(async () => {
  engine = await skippingEngine();
});
afterAll(() => engine.close());

const li = { id: 1, username: 'li', channel: 'token' as const };
const patience = { timeout: 60_000 };
const ok = { ok: true, message: null };

/** Something that is waited for until it is let go. */
function gate(): { passed: Promise<void>; open(): void } {
  const { promise: passed, resolve: open } = Promise.withResolvers<void>();
  return { passed, open };
}

let tasks = 0;
let recorded: DeployTransition[] = [];
let made: string[] = [];
beforeEach(() => {
  recorded = [];
  made = [];
});
const events = (): string[] => recorded.map(({ event }) => event);

const strategy = { mode: 'rolling', batch_size: 1, max_failures: 0, pause_seconds: 0, canary: 0, health_check: null };
const instance = (id: number, position = 0) => ({
  position,
  instanceId: id,
  hostname: `host-${id}`,
  previousVersion: '0',
  wasRunning: true,
});

type CreateInput = SubTaskRequest & { deployTaskId: number; kind: 'upgrade' | 'revert'; number: number };

const activities = {
  completePlan: () => Promise.resolve({ planHash: 'a' }),
  remakePlan: () => Promise.resolve({ planHash: 'a', difference: null, freeze: null }),
  weighVotes: () => Promise.resolve(null),
  findObstacles: () => Promise.resolve({ freeze: null, running: null }),
  judgeDeploy: () => Promise.resolve({ complete: false, outcome: 'failed' }),
  settleInstance: (_input: SettleInput) => Promise.resolve(),
  settleSubTask: () => Promise.resolve(),
  killStep: () => Promise.resolve(),
  runStep: (_input: StepInput): Promise<typeof ok | { ok: boolean; message: string }> => Promise.resolve(ok),
  recordWait: () => Promise.resolve(),
  recordTransition: (transition: DeployTransition) => {
    recorded.push(transition);
    return Promise.resolve();
  },
  planRollout: () => Promise.resolve(rollout({})),
  createSubTask: ({ deployTaskId, kind, number, version, instanceIds }: CreateInput): Promise<SubTaskInput> => {
    made.push(`${kind} ${version}: ${instanceIds.join(' ')}`);
    const instances = instanceIds.map((id, position) => instance(id, position));
    return Promise.resolve({
      taskId: deployTaskId * 100 + number,
      deployTaskId,
      kind,
      version,
      timeoutSeconds: 600,
      hooks: [],
      instances,
    });
  },
};

const rollout = (more: object, batches = [[1], [2]]) => ({
  strategy: { ...strategy, on_failure: 'pause', ...more },
  timeoutSeconds: 600,
  packageSource: '/p',
  batches,
});

async function started(): Promise<WorkflowHandle> {
  tasks += 1;
  const input = {
    taskId: tasks,
    application: { id: 1, fullName: 'web' },
    creator: { id: 1, username: 'li' },
    level: 'I',
    version: '1',
    requiredApprovals: 0,
    plannedExecTime: new Date(0).toISOString(),
    rolling: true,
  };
  const handle = await engine.client.workflow.start('deployTask', {
    workflowId: deployTaskWorkflowId(tasks),
    taskQueue: engine.taskQueue,
    args: [input],
  });
  await handle.executeUpdate(startUpdate, { args: [{ actor: li, force: false }] });
  return handle;
}

test('a pause that comes before the rollout has its plan holds it: no batch begins until it is resumed', async () => {
  const planned = gate();
  const planRollout = () => planned.passed.then(() => rollout({}));
  await engine.withWorker({ ...activities, planRollout }, async () => {
    const handle = await started();
    await handle.executeUpdate(pauseUpdate, { args: [{ actor: li }] });
    await expect(handle.executeUpdate(pauseUpdate, { args: [{ actor: li }] })).rejects.toThrow();
    planned.open();
    await engine.pass('2 hours');
    expect(made).toEqual([]);
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'running', waitingOn: { kind: 'paused' } });
    await handle.executeUpdate(resumeUpdate, { args: [{ actor: li }] });
    await eventually(() => expect(made).toEqual(['upgrade 1: 1', 'upgrade 1: 2']), patience);
  });
}, 120_000);

test('a closing hook that fails is a failure of its batch: the next one does not begin', async () => {
  const createSubTask = async (input: CreateInput): Promise<SubTaskInput> => ({
    ...(await activities.createSubTask(input)),
    hooks: ['global_post_exec'],
  });
  const runStep = ({ step }: StepInput) =>
    Promise.resolve(step === 'global_post_exec' ? { ok: false, message: 'exit status 4' } : ok);
  await engine.withWorker({ ...activities, createSubTask, runStep }, async () => {
    await started();
    await eventually(() => expect(events()).toContain('paused'), patience);
    expect(recorded.at(-1)?.reason).toBe('global_post_exec: exit status 4; 1 failures so far, 0 allowed');
    expect(made).toEqual(['upgrade 1: 1']);
  });
}, 120_000);

test('a rollout that is to be reverted waits for the sub-task of a person, and then reverts everything', async () => {
  const [looked, ended] = [gate(), gate()];
  const own = {
    planRollout: () => Promise.resolve(rollout({ on_failure: 'revert', health_check: { zabbix: true } })),
    checkHealth: () => looked.passed.then(() => [{ hostname: 'host-1', message: 'open problem' }]),
    listUpgraded: () => Promise.resolve([{ version: '0', instanceIds: [1] }]),
    runStep: ({ taskId, step }: StepInput) =>
      taskId % 100 === 2 && step === 'fetch' ? ended.passed.then(() => ok) : Promise.resolve(ok),
  };
  await engine.withWorker({ ...activities, ...own }, async () => {
    const handle = await started();
    await eventually(() => expect(made).toEqual(['upgrade 1: 1']), patience);
    await eventually(async () => expect((await handle.query(stateQuery)).children).toEqual([]), patience);
    const request = { actor: li, instanceIds: [7], version: '1', updateSource: '/p', timeoutSeconds: 600 };
    await handle.executeUpdate(upgradeUpdate, { args: [request] });
    looked.open();
    // It has its turn by the time that the gate is open: whatever it began before would be there.
    await handle.query(stateQuery);
    expect(made).toEqual(['upgrade 1: 1', 'upgrade 1: 7']);
    ended.open();
    await eventually(() => expect(made).toHaveLength(3), patience);
    expect(await handle.result()).toBe('failed');
    expect(made.at(-1)).toBe('revert 0: 1');
    expect(recorded.at(-1)?.reason).toContain('everything is reverted');
  });
}, 120_000);

test('after the timeout nothing begins, and what never began is not taken back', async () => {
  // Those of the tests before may go on beside it.
  const subTask = 90_001;
  const [ran, settled]: [string[], string[]] = [[], []];
  const own = {
    async runStep({ taskId, position, step }: StepInput) {
      if (taskId !== subTask) return ok;
      ran.push(`${position} ${step}`);
      if (step === 'stop') await Context.current().cancelled;
      return ok;
    },
    killStep({ taskId, position, step }: StepInput) {
      if (taskId === subTask) ran.push(`${position} kill ${step}`);
      return Promise.resolve();
    },
    settleInstance({ taskId, position, message }: SettleInput) {
      if (taskId === subTask) settled[position] = message ?? '';
      return Promise.resolve();
    },
  };
  const instances = Array.from({ length: 12 }, (_, position) => instance(position + 1, position));
  await engine.withWorker({ ...activities, ...own }, async () => {
    const input = {
      taskId: subTask,
      deployTaskId: 900,
      kind: 'revert',
      version: '0',
      timeoutSeconds: 4,
      hooks: [],
      instances,
    };
    const handle = await engine.client.workflow.start('revertInstances', {
      workflowId: 'deploy-task/900/revert/1',
      taskQueue: engine.taskQueue,
      args: [input],
    });
    await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', patience);
    expect(await handle.result()).toMatchObject({ finished: 0, failed: 12 });
  });
  const of = (position: number): string[] => ran.filter((one) => one.startsWith(`${position} `));
  expect(of(0)).toEqual(['0 stop', '0 kill stop', '0 start_old']);
  for (const position of [10, 11]) {
    expect(of(position)).toEqual([]);
    expect(settled[position]).toBe('timed out after 4 s, before stop');
  }
}, 120_000);
