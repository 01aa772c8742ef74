// A deploy task from request to end. It owns the status: people decide by updates, sub-tasks are its children, and the
// row in PostgreSQL follows every transition. See sub-task.ts for what happens on the hosts.
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  executeChild,
  ParentClosePolicy,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { Approval } from '../approval.ts';
import type { ApprovalState } from '../approval.ts';
import { canChange, hasEnded } from '../approvals/policy.ts';
import { Problem } from '../problem.ts';
import { ensure, unwrapped } from '../refuse.ts';
import { searchAttributes } from '../search-attributes.ts';
import type { Actor } from '../tasks.ts';
import { changeUpdate, revertUpdate, startUpdate, subTaskWorkflowId, upgradeUpdate } from './contract.ts';
import type {
  ChangeInput,
  DeployTaskInput,
  StartInput,
  SubTaskInput,
  SubTaskKind,
  SubTaskRef,
  SubTaskRequest,
} from './contract.ts';
import { canClose, canDelegate, canRunSubTask, canStart, waitingOn } from './policy.ts';
import type { DeployView } from './policy.ts';
import type { DeployHands, DeployRecords } from './ports.ts';
import { revertInstances, upgradeInstances } from './sub-task.ts';

const records = proxyActivities<DeployRecords>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '5 seconds' },
});
const hands = proxyActivities<DeployHands>({
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
});

const settlePatience = '2 seconds';
const workflowActor: Actor = { id: 0, username: 'system', channel: 'workflow' };

/** The lifecycle of one deploy task; ends with its terminal status. */
export async function deployTask(input: DeployTaskInput): Promise<string> {
  const task = new DeployTask(input);
  return task.run();
}

class DeployTask {
  readonly #input: DeployTaskInput;
  readonly #approval: Approval;
  readonly #running = new Map<number, string>();
  #version: string;
  #plannedExecTime: Date;
  #subTasks: number;

  constructor(input: DeployTaskInput) {
    this.#input = input;
    this.#version = input.version;
    this.#plannedExecTime = new Date(input.plannedExecTime);
    this.#subTasks = input.carried?.subTasks ?? 0;
    const { taskId } = input;
    this.#approval = new Approval(initialState(input), {
      record: (transition) => records.recordTransition({ taskId, ...transition }),
      authorize: (decide) => records.authorizeDecision({ taskId, decide }),
      recordRefused: (attempt, problem) => records.recordRefusedDecision({ taskId, attempt, problem }),
      canClose: () => canClose(this.#view()),
      settled: () => condition(() => this.#running.size === 0, settlePatience),
      closesTo: () => this.#closesTo(),
      canDelegate: (actor, toId) => canDelegate(this.#view(), actor, toId),
      waitingOn: () => this.#waitingOn(),
      children: () => [...this.#running.values()],
    });
  }

  async run(): Promise<string> {
    const approval = this.#approval;
    approval.bind();
    this.#bind();
    approval.describe();
    if (approval.state.planHash === null) await this.#completePlan();
    const ended = (): boolean => hasEnded(approval.state.status);
    await condition(() => ended() || this.#shouldContinueAsNew());
    await condition(allHandlersFinished);
    if (!ended()) await continueAsNew<typeof deployTask>(this.#carried());
    return approval.state.status;
  }

  #bind(): void {
    setHandler(startUpdate, (start) => this.#start(start), {
      validator: ({ actor, force }: StartInput) => ensure(canStart(this.#view(), actor, force, new Date())),
    });
    setHandler(changeUpdate, (change) => this.#change(change), {
      validator: ({ actor }: ChangeInput) => ensure(canChange(this.#view(), actor)),
    });
    setHandler(upgradeUpdate, (request) => this.#runSubTask('upgrade', request), {
      validator: ({ actor, version }: SubTaskRequest) => ensure(canRunSubTask(this.#view(), actor, version)),
    });
    setHandler(revertUpdate, (request) => this.#runSubTask('revert', request), {
      validator: ({ actor }: SubTaskRequest) => ensure(canRunSubTask(this.#view(), actor, null)),
    });
  }

  async #completePlan(): Promise<void> {
    const { taskId } = this.#input;
    const { state } = this.#approval;
    const round = state.planRound;
    const { planHash } = await hands.completePlan({ taskId, round });
    if (state.planRound === round) state.planHash = planHash;
    this.#approval.describe();
  }

  #change({ actor, fields }: ChangeInput): Promise<void> {
    const approval = this.#approval;
    return approval.alone(async () => {
      ensure(canChange(this.#view(), actor));
      const { taskId } = this.#input;
      const { state } = approval;
      const round = state.planRound + 1;
      const changed = await records.recordChange({ taskId, seq: state.seq + 1, round, actor, fields });
      this.#version = changed.version;
      this.#plannedExecTime = new Date(changed.plannedExecTime);
      state.requiredApprovals = changed.requiredApprovals;
      upsertSearchAttributes(searchAttributes({ level: changed.level }));
      approval.adopt({ event: 'changed', actor, planRound: round, status: changed.status });
      await this.#completePlan();
    });
  }

  async #start({ actor, force, reason }: StartInput): Promise<void> {
    const approval = this.#approval;
    await approval.planned();
    await approval.alone(async () => {
      ensure(canStart(this.#view(), actor, force, new Date()));
      const { taskId } = this.#input;
      const { state } = approval;
      const { planHash, difference } = await hands.remakePlan({ taskId, round: state.planRound });
      if (difference !== null) {
        const needsReview = state.requiredApprovals > 0;
        const status = needsReview ? ('wait_review' as const) : undefined;
        const planRound = state.planRound + 1;
        await approval.transition({
          event: 'plan_changed',
          actor: workflowActor,
          reason: difference,
          status,
          planRound,
          planHash,
        });
        if (needsReview) ensure(new Problem('back_to_review', { difference }));
      }
      await approval.transition({ event: 'started', actor, reason, status: 'running' });
    });
  }

  #runSubTask(kind: SubTaskKind, request: SubTaskRequest): Promise<SubTaskRef> {
    return this.#approval.alone(async () => {
      ensure(canRunSubTask(this.#view(), request.actor, kind === 'upgrade' ? request.version : null));
      const number = this.#subTasks + 1;
      const deployTaskId = this.#input.taskId;
      const subTask = await records.createSubTask({ ...request, deployTaskId, kind, number });
      this.#subTasks = number;
      const workflowId = subTaskWorkflowId(deployTaskId, kind, number);
      this.#running.set(subTask.taskId, workflowId);
      this.#approval.describe();
      void this.#follow(workflowId, kind, subTask);
      return { taskId: subTask.taskId };
    });
  }

  /** Waits for a child; the last one that brings every instance to the version ends the deploy task. */
  async #follow(workflowId: string, kind: SubTaskKind, subTask: SubTaskInput): Promise<void> {
    const { application, creator, level } = this.#input;
    try {
      await executeChild(kind === 'upgrade' ? upgradeInstances : revertInstances, {
        workflowId,
        args: [subTask],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `${kind} ${application.fullName} to ${subTask.version} on ${subTask.instances.length} instances`,
        typedSearchAttributes: searchAttributes({
          kind: `sub_${kind}`,
          status: 'running',
          application: application.fullName,
          creator: creator.username,
          level,
        }),
      });
    } catch (error) {
      await hands.settleSubTask({
        taskId: subTask.taskId,
        error: error instanceof Error ? error.message : String(error),
      });
    }
    this.#running.delete(subTask.taskId);
    await this.#approval.alone(() => this.#afterSubTask());
  }

  async #afterSubTask(): Promise<void> {
    const { status } = this.#approval.state;
    this.#approval.describe();
    if (status !== 'running' || this.#running.size > 0) return;
    const { complete } = await records.judgeDeploy({ deployTaskId: this.#input.taskId });
    if (!complete) return;
    await this.#approval.transition({ event: 'finished', actor: workflowActor, status: 'finished' });
  }

  async #closesTo(): Promise<'closed' | 'finished' | 'failed'> {
    if (this.#approval.state.status !== 'running') return 'closed';
    const { outcome } = await unwrapped(records.judgeDeploy({ deployTaskId: this.#input.taskId }));
    return outcome;
  }

  #view(): DeployView {
    return {
      ...this.#approval.view(),
      plannedExecTime: this.#plannedExecTime,
      version: this.#version,
      runningSubTasks: [...this.#running.keys()],
    };
  }

  #waitingOn(): ReturnType<typeof waitingOn> {
    const { creator, owner } = this.#approval.state;
    const view = { ...this.#view(), creator: creator.username, owner: owner.username, engineError: null };
    return waitingOn(view, new Date());
  }

  #shouldContinueAsNew(): boolean {
    return workflowInfo().continueAsNewSuggested && this.#running.size === 0;
  }

  #carried(): DeployTaskInput {
    const { creator: _, requiredApprovals, ...state } = this.#approval.state;
    return {
      ...this.#input,
      version: this.#version,
      requiredApprovals,
      plannedExecTime: this.#plannedExecTime.toISOString(),
      carried: { ...state, subTasks: this.#subTasks },
    };
  }
}

function initialState({ creator, requiredApprovals, carried }: DeployTaskInput): ApprovalState {
  if (carried) {
    const { subTasks: _, ...state } = carried;
    return { ...state, creator, requiredApprovals };
  }
  return {
    status: requiredApprovals === 0 ? 'approved' : 'wait_review',
    creator,
    owner: creator,
    requiredApprovals,
    planRound: 1,
    planHash: null,
    votes: [],
    history: [],
    seq: 0,
    messages: [],
  };
}
