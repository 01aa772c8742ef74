// A deploy task from request to end. The workflow owns the status: people decide by updates, sub-tasks are its children, and
// the row in PostgreSQL follows every transition. See start.ts and rollout.ts for its automatic parts, sub-task.ts for the
// work on hosts.
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { Approval } from '../approvals/engine.ts';
import { builtInPolicy } from '../approvals/contract.ts';
import type { UpdateClaim } from '../approvals/contract.ts';
import { canChange, hasEnded } from '../approvals/policy.ts';
import { awaitsLooks, expiryOf } from '../approvals/quorum.ts';
import { carriedApproval, initialApproval } from '../approvals/state.ts';
import type { ApprovalState } from '../approvals/state.ts';
import { claimOf } from '../lib/update-claim.ts';
import { ensure, unwrapped } from '../lib/problem-failure.ts';
import { searchAttributes } from '../lib/search-attributes.ts';
import { workflowActor } from '../tasks/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import {
  changeUpdate,
  pauseUpdate,
  reconsiderSignal,
  resumeUpdate,
  revertUpdate,
  startUpdate,
  upgradeUpdate,
} from './contract.ts';
import type { ChangeInput, DeployTaskInput, StartInput, SubTaskKind, SubTaskRef, SubTaskRequest } from './contract.ts';
import { canClose, canDelegate, canPause, canResume, canRunSubTask, canStart, waitingOn } from './policy.ts';
import type { DeployView } from './policy.ts';
import type { DeployActivities, DeployRecordActivities } from './ports.ts';
import { PackageWatch } from './package-watch.ts';
import { Rollout } from './rollout.ts';
import { Start } from './start.ts';
import { SubTasks } from './sub-tasks.ts';
import type { Reason } from '../problems/problem.ts';

const records = proxyActivities<DeployRecordActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '5 seconds' },
});
const hands = proxyActivities<DeployActivities>({
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
});

const settlePatience = '2 seconds';

/** The lifecycle of one deploy task; returns its terminal status. */
export async function deployTask(input: DeployTaskInput): Promise<string> {
  const task = new DeployTask(input);
  return task.run();
}

class DeployTask {
  readonly #input: DeployTaskInput;
  readonly #approval: Approval;
  readonly #subTasks: SubTasks;
  readonly #start: Start;
  readonly #rollout: Rollout;
  readonly #packageWatch: PackageWatch;
  #broken: Error | null = null;

  constructor(given: DeployTaskInput) {
    const input = { ...given };
    this.#input = input;
    const { taskId } = input;
    this.#approval = new Approval(newApproval(input), {
      record: (transition) => records.recordTransition({ taskId, ...transition }),
      authorize: (decide, proof) => records.authorizeDecision({ taskId, decide, proof }),
      recordRefused: (attempt, problem) => records.recordRefusedDecision({ taskId, attempt, problem }),
      canClose: () => canClose(this.#view()),
      settled: () => condition(() => this.#subTasks.running.size === 0, settlePatience),
      closesTo: () => this.#closesTo(),
      canDelegate: (actor, toId) => canDelegate(this.#view(), actor, toId),
      waitingOn: () => this.#waitingOn(),
      children: () => [...this.#subTasks.running.values()],
    });
    const parts = { input, approval: this.#approval, records, hands };
    const view = (): DeployView => this.#view();
    this.#subTasks = new SubTasks(parts);
    this.#start = new Start(parts, view);
    this.#rollout = new Rollout(parts, this.#subTasks, view);
    this.#packageWatch = new PackageWatch(parts);
  }

  async run(): Promise<string> {
    const approval = this.#approval;
    approval.bind();
    this.#bind();
    approval.describe();
    if (approval.state.planHash === null) await this.#completePlan();
    for (const part of [this.#start, this.#rollout, this.#packageWatch]) this.#beside(part.run());
    const ended = (): boolean => hasEnded(approval.state.status) && !awaitsLooks(approval.view());
    while (!ended()) {
      await condition(() => ended() || this.#broken !== null || this.#shouldContinueAsNew());
      if (this.#broken !== null) throw this.#broken;
      await condition(() => allHandlersFinished() && approval.isIdle);
      // A decision in progress may have begun work that must not be lost.
      if (!ended() && this.#shouldContinueAsNew()) await continueAsNew<typeof deployTask>(this.#carried());
    }
    await condition(() => allHandlersFinished() && approval.isIdle);
    return approval.state.status;
  }

  /** Runs work concurrently with decisions; an error in it fails the workflow task visibly. */
  #beside(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!isCancellation(error)) this.#broken = error instanceof Error ? error : new Error(String(error));
    });
  }

  #bind(): void {
    setHandler(startUpdate, (start) => this.#start.request(start, claimOf(start)), {
      validator: (start: StartInput) => ensure(canStart(this.#view(), start, new Date())),
    });
    setHandler(changeUpdate, (change) => this.#change(change, claimOf(change)), {
      validator: ({ actor }: ChangeInput) => ensure(canChange(this.#view(), actor)),
    });
    setHandler(upgradeUpdate, (request) => this.#runSubTask('upgrade', request, claimOf(request)), {
      validator: ({ actor, version }: SubTaskRequest) => ensure(canRunSubTask(this.#view(), actor, version)),
    });
    setHandler(revertUpdate, (request) => this.#runSubTask('revert', request, claimOf(request)), {
      validator: ({ actor }: SubTaskRequest) => ensure(canRunSubTask(this.#view(), actor, null)),
    });
    setHandler(pauseUpdate, (input) => this.#rollout.pause(input.actor, claimOf(input)), {
      validator: ({ actor }: { actor: Actor }) => ensure(canPause(this.#view(), actor)),
    });
    setHandler(resumeUpdate, (input) => this.#rollout.resume(input.actor, claimOf(input)), {
      validator: ({ actor }: { actor: Actor }) => ensure(canResume(this.#view(), actor)),
    });
    setHandler(reconsiderSignal, () => {
      this.#start.wake();
      this.#rollout.wake();
      this.#packageWatch.wake();
    });
  }

  async #completePlan(): Promise<void> {
    const { taskId } = this.#input;
    const { state } = this.#approval;
    const round = state.planRound;
    const { planHash, unread } = await hands.completePlan({ taskId, round });
    this.#approval.plan(round, planHash, unread);
  }

  #change({ actor, fields }: ChangeInput, claim: UpdateClaim): Promise<void> {
    const approval = this.#approval;
    return approval.alone(async () => {
      ensure(canChange(this.#view(), actor));
      const { taskId } = this.#input;
      const { state } = approval;
      const round = state.planRound + 1;
      const changed = await records.recordChange({ taskId, seq: state.seq + 1, round, actor, fields, claim });
      this.#input.version = changed.version;
      this.#start.plannedExecTime = new Date(changed.plannedExecTime);
      this.#start.automatic = changed.autoStart ?? false;
      this.#rollout.rolling = changed.rolling ?? false;
      upsertSearchAttributes(searchAttributes({ level: changed.level }));
      const policy = changed.policy ?? builtInPolicy(changed.requiredApprovals);
      const more = { policy, changedById: actor.id };
      approval.adopt({ event: 'changed', actor, planRound: round, status: changed.status }, more);
      await this.#completePlan();
    });
  }

  #runSubTask(kind: SubTaskKind, asked: SubTaskRequest, claim: UpdateClaim): Promise<SubTaskRef> {
    const { actor, instanceIds, version, updateSource, timeoutSeconds } = asked;
    const request = { actor, instanceIds, version, updateSource, timeoutSeconds };
    return this.#approval.alone(async () => {
      ensure(canRunSubTask(this.#view(), request.actor, kind === 'upgrade' ? request.version : null));
      const begun = await this.#subTasks.begin(kind, { ...request, claim }, () =>
        this.#approval.alone(() => this.#afterSubTask()),
      );
      return { taskId: begun.taskId };
    });
  }

  /** The last sub-task that brings every instance to the version ends the deploy task. */
  async #afterSubTask(): Promise<void> {
    const { status } = this.#approval.state;
    this.#approval.describe();
    if (status !== 'running' || this.#subTasks.running.size > 0 || this.#rollout.active) return;
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
    const { state, rolling, paused } = this.#rollout;
    return {
      ...this.#approval.view(),
      plannedExecTime: this.#start.plannedExecTime,
      version: this.#input.version,
      runningSubTasks: [...this.#subTasks.running.keys()],
      rolling,
      heldBy: this.#start.held?.freeze?.id ?? state?.heldBy ?? null,
      paused,
    };
  }

  #waitingOn(): ReturnType<typeof waitingOn> {
    const { creator, owner, policy, reviewSince } = this.#approval.state;
    const { held, inFront, automatic } = this.#start;
    const dueTime = this.#rollout.state?.dueTime ?? null;
    const view = {
      ...this.#view(),
      creator: creator.username,
      owner: owner.username,
      reviewers: [],
      expires: expiryOf(policy, reviewSince),
      engineError: null,
      trouble: this.#sentBackFor(),
      autoStart: automatic,
      inFront,
      heldUntil: held?.freeze ? new Date(held.freeze.until) : null,
      nextBatchTime: dueTime === null ? null : new Date(dueTime),
    };
    return waitingOn(view, new Date());
  }

  /** Why it is in review again. */
  #sentBackFor(): Reason | null {
    const { status, history } = this.#approval.state;
    const last = history.findLast(({ event }) => event === 'sent_back' || event === 'changed');
    return status === 'wait_review' && last?.event === 'sent_back' ? last.reason : null;
  }

  #shouldContinueAsNew(): boolean {
    const isIdle = this.#start.idle && this.#rollout.idle && this.#packageWatch.idle;
    const isQuiet = this.#subTasks.running.size === 0 && isIdle;
    return workflowInfo().continueAsNewSuggested && isQuiet;
  }

  #carried(): DeployTaskInput {
    const { state } = this.#approval;
    return {
      ...this.#input,
      policy: state.policy,
      plannedExecTime: this.#start.plannedExecTime.toISOString(),
      autoStart: this.#start.automatic,
      rolling: this.#rollout.rolling,
      carried: {
        ...carriedApproval(state),
        subTasks: this.#subTasks.count,
        held: this.#start.held,
        rollout: this.#rollout.state,
      },
    };
  }
}

function newApproval({ creator, policy, requiredApprovals, carried, createdTime }: DeployTaskInput): ApprovalState {
  const { subTasks: _, held: _held, rollout: _rollout, ...approval } = carried ?? { subTasks: 0 };
  const request = { kind: 'deploy_task', creator, policy: policy ?? builtInPolicy(requiredApprovals) } as const;
  return initialApproval({ ...request, createdTime: createdTime ?? workflowInfo().startTime.toISOString() }, approval);
}
