// Escalation and expiry by the engine's clock, which jumps over days: one test after another.
import type { WorkflowHandle } from '@temporalio/client';
import { approveUpdate, stateQuery } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy } from '../../workflows/approvals/contract.ts';
import { changeUpdate, deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import type { DeployTaskInput, DeployTransition } from '../../workflows/deploy/contract.ts';
import { skippingEngine } from '../support/time-skipping.ts';
import type { SkippingEngine } from '../support/time-skipping.ts';
import { policyWith, roleGroup, voter } from '../support/approvals/cases.ts';

let engine: SkippingEngine;
beforeAll(async () => {
  engine = await skippingEngine();
});
afterAll(() => engine.close());

const [dev, boss] = [1, 2];
const creator = { id: 1, username: 'li' };
const person = (id: number) => ({ id, username: `user-${id}`, channel: 'token' as const });
const policy: ApprovalPolicy = policyWith([[roleGroup(dev)]], {
  escalateAfterHours: 24,
  escalateTo: { id: boss, name: 'boss' },
  expireAfterHours: 24 * 14,
});

let tasks = 0;
let recorded: DeployTransition[] = [];
const activities = {
  completePlan: ({ round }: { round: number }) => Promise.resolve({ planHash: `plan-${round}` }),
  recordTransition: (transition: DeployTransition) => {
    recorded.push(transition);
    return Promise.resolve();
  },
  recordChange: () =>
    Promise.resolve({
      status: 'wait_review',
      level: 'A',
      version: '1',
      requiredApprovals: 1,
      policy,
      plannedExecTime: '2026-01-01T00:00:00.000Z',
    }),
};

async function started(more: Partial<DeployTaskInput> = {}): Promise<WorkflowHandle> {
  recorded = [];
  tasks += 1;
  const input: DeployTaskInput = {
    taskId: tasks,
    application: { id: 1, fullName: 'web' },
    creator,
    level: 'A',
    version: '1',
    requiredApprovals: 1,
    policy,
    createdTime: (await engine.now()).toISOString(),
    plannedExecTime: '2026-01-01T00:00:00.000Z',
    ...more,
  };
  const workflowId = deployTaskWorkflowId(tasks);
  const handle = await engine.client.workflow.start('deployTask', {
    workflowId,
    taskQueue: engine.taskQueue,
    args: [input],
  });
  return handle;
}

const vote = (handle: WorkflowHandle, id: number, roles: number[]) =>
  handle.executeUpdate(approveUpdate, { args: [{ actor: person(id), voter: voter(roles) }] });
const events = (): string[] => recorded.map(({ event }) => event);

test('after its hours the role of the escalation may vote, and not before', async () => {
  await engine.withWorker(activities, async () => {
    const handle = await started();
    await engine.pass('23 hours');
    await expect(vote(handle, 3, [boss])).rejects.toThrow();
    await engine.pass('2 hours');
    expect(recorded).toMatchObject([
      { event: 'escalated', isEscalated: true, openTo: { roles: [dev, boss] }, actor: { username: 'system' } },
    ]);
    await vote(handle, 3, [boss]);
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'approved' });
    expect(events()).toEqual(['escalated', 'approved']);
  });
});

test('without a decision for two weeks it is closed for that reason; a change does not extend the time', async () => {
  await engine.withWorker(activities, async () => {
    const handle = await started();
    await engine.pass('10 days');
    await handle.executeUpdate(changeUpdate, { args: [{ actor: { ...creator, channel: 'token' }, fields: {} }] });
    await engine.pass('95 hours');
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'wait_review' });
    expect(await handle.result()).toBe('closed');
    expect(recorded.at(-1)).toMatchObject({
      event: 'closed',
      status: 'closed',
      reason: 'expired: not approved within 336 h',
      openTo: { anyone: false, roles: [], users: [] },
    });
    expect(events()).toEqual(['escalated', 'closed']);
  });
});

test('a run that goes on from an earlier one keeps the hours that have passed', async () => {
  await engine.withWorker(activities, async () => {
    const now = (await engine.now()).getTime();
    const reviewSince = new Date(now - 13 * 24 * 3_600_000).toISOString();
    const handle = await started({
      carried: {
        status: 'wait_review',
        owner: creator,
        planRound: 1,
        planHash: 'plan-1',
        votes: [],
        history: [],
        seq: 5,
        messages: [],
        changedById: null,
        escalated: true,
        brokeGlassById: null,
        reviewSince,
        subTasks: 0,
      },
    });
    await engine.pass('23 hours');
    expect(recorded).toEqual([]);
    await engine.pass('2 hours');
    expect(recorded).toMatchObject([{ event: 'closed', seq: 6 }]);
    expect(await handle.result()).toBe('closed');
  });
});

test('a vote that races the expiry decides, or is too late: never both', async () => {
  await engine.withWorker(activities, async () => {
    for (let round = 0; round < 5; round += 1) {
      const handle = await started({ policy: { ...policy, escalateAfterHours: null, expireAfterHours: 1 } });
      await handle.query(stateQuery);
      const [voted] = await Promise.allSettled([vote(handle, 4, [dev]), engine.pass('61 minutes')]);
      const approved = voted.status === 'fulfilled';
      expect(events()).toEqual([approved ? 'approved' : 'closed']);
      expect(await handle.query(stateQuery)).toMatchObject({ status: approved ? 'approved' : 'closed' });
    }
  });
});

test('an approval ends the hours: a task that is approved neither escalates nor expires', async () => {
  await engine.withWorker(activities, async () => {
    const handle = await started();
    await vote(handle, 4, [dev]);
    await engine.pass('60 days');
    expect(await handle.query(stateQuery)).toMatchObject({ status: 'approved' });
    expect(events()).toEqual(['approved']);
  });
});
