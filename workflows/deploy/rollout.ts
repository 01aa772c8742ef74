// A rolling deploy: creates the sub-upgrade tasks itself, the canary first, then batch by batch. Stops on a pause, a freeze,
// or too many failures. An instance in an unknown state counts as failed.
import { condition, isCancellation, patched } from '@temporalio/workflow';
import type { UpdateClaim } from '../approvals/contract.ts';
import { hasEnded } from '../approvals/policy.ts';
import { ensure, rootFailure } from '../lib/problem-failure.ts';
import type { Actor } from '../tasks/contract.ts';
import type { RolloutState, SubTaskKind, SubTaskOutcome } from './contract.ts';
import { PollBackoff } from './poll-backoff.ts';
import { canPause, canResume } from './policy.ts';
import { sendBack } from './send-back.ts';
import type { DeployView } from './policy.ts';
import { workflowActor } from '../tasks/contract.ts';
import type { DeployParts, SubTasks } from './sub-tasks.ts';

export class Rollout {
  readonly #parts: DeployParts;
  readonly #view: () => DeployView;
  readonly #subTasks: SubTasks;
  #rolling: boolean;
  /** Separate from the state: it may be paused before its plan was read. */
  #paused: boolean;
  state: RolloutState | null;
  #news = 0;
  readonly #looks = new PollBackoff();
  /** Waiting, with no state that continue-as-new would lose. */
  idle = true;

  constructor(parts: DeployParts, subTasks: SubTasks, view: () => DeployView) {
    this.#parts = parts;
    this.#subTasks = subTasks;
    this.#view = view;
    this.#rolling = parts.input.rolling ?? false;
    this.state = parts.input.carried?.rollout ?? null;
    this.#paused = this.state?.paused ?? false;
  }

  get rolling(): boolean {
    return this.#rolling;
  }

  set rolling(value: boolean) {
    this.#rolling = value;
  }

  /** Whether it will proceed automatically, so that no sub-task ends the task. */
  get active(): boolean {
    return this.#rolling && !this.#paused;
  }

  get paused(): boolean {
    return this.#paused;
  }

  wake(): void {
    this.#news += 1;
    this.#looks.reset();
  }

  pause(actor: Actor, claim: UpdateClaim): Promise<void> {
    return this.#parts.approval.alone(async () => {
      ensure(canPause(this.#view(), actor));
      await this.#pause(actor, null, claim);
    });
  }

  resume(actor: Actor, claim: UpdateClaim): Promise<void> {
    return this.#parts.approval.alone(async () => {
      ensure(canResume(this.#view(), actor));
      await this.#parts.approval.transition({ event: 'resumed', actor, also: { paused: false, trouble: null }, claim });
      this.#setPaused(false);
    });
  }

  /** Runs from the start of its task to its end. */
  async run(): Promise<void> {
    const { records, input, approval } = this.#parts;
    await condition(() => this.#over() || (this.#rolling && approval.state.status === 'running'));
    if (this.#over()) return;
    if (!this.state) {
      this.idle = false;
      const plan = await records.planRollout({ taskId: input.taskId });
      this.state = { ...plan, failures: 0, paused: this.#paused, heldBy: null, dueTime: null };
      this.state.round = approval.state.planRound;
    }
    const { state } = this;
    while (!this.#over()) {
      const batch = await this.#nextBatch(state);
      if (this.#over()) return;
      if (batch) await this.#roll(state, batch);
      else await approval.alone(() => this.#finish(state));
    }
  }

  #over(): boolean {
    return hasEnded(this.#parts.approval.state.status);
  }

  async #wait(until: () => boolean, ms?: number): Promise<void> {
    this.idle = true;
    if (ms === undefined) await condition(until);
    else await condition(until, Math.max(1_000, ms));
    this.idle = false;
  }

  /** Waits until the next batch may begin; undefined: there is none, or the task has ended. */
  async #nextBatch(state: RolloutState): Promise<number[] | undefined> {
    const { approval } = this.#parts;
    const stopped = (): boolean =>
      state.paused || this.#subTasks.running.size > 0 || approval.state.status !== 'running' || !this.#rolling;
    for (;;) {
      await this.#wait(() => this.#over() || !stopped());
      if (!this.#over()) await this.#followPlan(state);
      if (this.#over() || state.batches.length === 0) return undefined;
      const due = state.dueTime === null ? 0 : Date.parse(state.dueTime) - Date.now();
      if (due > 0) await this.#wait(() => this.#over() || stopped(), due);
      else if ((await this.#isClear(state, stopped)) && (await this.#isApproved(state, stopped)))
        return state.batches[0];
    }
  }

  /** Whether no freeze holds the application; otherwise waits for a signal or the task's end. */
  async #isClear(state: RolloutState, stopped: () => boolean): Promise<boolean> {
    const { records, input, approval } = this.#parts;
    const seen = this.#news;
    const { freeze } = await records.findObstacles({ taskId: input.taskId, at: new Date().toISOString() });
    if (this.#over() || stopped()) return false;
    const known = state.heldBy;
    if (known === (freeze?.id ?? null)) {
      if (!freeze) return true;
      const end = Math.min(this.#looks.next(), Date.parse(freeze.until) - Date.now());
      await this.#wait(() => this.#over() || stopped() || this.#news !== seen, end);
      return false;
    }
    state.heldBy = freeze?.id ?? null;
    const also = { heldBy: state.heldBy };
    const [event, reason] = freeze
      ? (['held', `freeze ${freeze.id} until ${freeze.until}`] as const)
      : (['resumed', `freeze ${known ?? ''} has ended`] as const);
    await approval.alone(async () => {
      if (!this.#over()) await approval.transition({ event, actor: workflowActor, reason, also });
    });
    return !freeze && !this.#over() && !stopped();
  }

  /** Whether the votes still suffice; otherwise the task returns to review, and this resumes after its next start. */
  async #isApproved(state: RolloutState, stopped: () => boolean): Promise<boolean> {
    if (!patched('votes-before-batch')) return true;
    const { records, hands, input, approval } = this.#parts;
    const { taskId } = input;
    return approval.alone(async () => {
      if (this.#over() || stopped()) return false;
      const sentBack = await records.weighVotes({ taskId });
      if (!sentBack) return true;
      const { planHash } = await hands.replan({ taskId, round: approval.state.planRound + 1 });
      await sendBack(approval, planHash, sentBack);
      // The remaining batches stay, unless the plan changes in review.
      state.round = approval.state.planRound;
      return false;
    });
  }

  /** After another review the plan, and so the batches, may have changed. */
  async #followPlan(state: RolloutState): Promise<void> {
    const { records, input, approval } = this.#parts;
    const { planRound } = approval.state;
    if ((state.round ?? planRound) === planRound) return;
    Object.assign(state, await records.planRollout({ taskId: input.taskId }), { round: planRound });
  }

  async #roll(state: RolloutState, batch: number[]): Promise<void> {
    const { strategy } = state;
    const outcome = await this.#run('upgrade', this.#parts.input.version, batch);
    if (!outcome) return;
    state.batches.shift();
    const unhealthy = await this.#unhealthy(state, outcome);
    // A failed closing hook counts as a failure too, though every instance has the version.
    const failed = outcome.failed + unhealthy.length || (outcome.error === undefined ? 0 : 1);
    state.failures += failed;
    const what = unhealthy[0] ?? outcome.error ?? `${outcome.failed} of ${batch.length} instances failed`;
    const reason = `${what}; ${state.failures} failures so far, ${strategy.max_failures} allowed`;
    if (failed > 0 && state.failures > strategy.max_failures) await this.#onFailure(state, reason);
    await this.#waitBetween(state);
  }

  async #waitBetween(state: RolloutState): Promise<void> {
    const { records, input } = this.#parts;
    const { pause_seconds: pause } = state.strategy;
    if (this.#over() || pause === 0 || state.batches.length === 0) return;
    state.dueTime = new Date(Date.now() + pause * 1000).toISOString();
    await records.recordWait({ taskId: input.taskId, nextBatchTime: state.dueTime });
  }

  async #unhealthy({ strategy }: RolloutState, { taskId, finished }: BatchOutcome): Promise<string[]> {
    const check = strategy.health_check;
    if (check === null || finished === 0) return [];
    const { hands, input } = this.#parts;
    const found = await hands.checkHealth({ taskId: input.taskId, subTaskId: taskId, check });
    return found.map(({ hostname, message }) => `${hostname}: ${message}`);
  }

  /** Runs a sub-task to its end; null: the task was paused, has ended, or another sub-task runs. */
  async #run(kind: SubTaskKind, version: string, instanceIds: number[]): Promise<BatchOutcome | null> {
    const { approval } = this.#parts;
    const state = this.state;
    if (!state) return null;
    const updateSource = kind === 'upgrade' ? state.packageSource : null;
    const { timeoutSeconds } = state;
    const request = { actor: workflowActor, instanceIds, version, updateSource, timeoutSeconds };
    const describe = (): Promise<void> => {
      approval.describe();
      return Promise.resolve();
    };
    try {
      const begun = await approval.alone(async () => {
        const stopped = this.#over() || this.#subTasks.running.size > 0 || (kind === 'upgrade' && state.paused);
        return stopped ? null : this.#subTasks.begin(kind, request, describe);
      });
      if (!begun) return null;
      return { taskId: begun.taskId, ...(await begun.ended) };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const root = rootFailure(error);
      const text = root instanceof Error ? root.message : String(root);
      return { taskId: 0, finished: 0, failed: instanceIds.length, error: text };
    }
  }

  async #onFailure(state: RolloutState, reason: string): Promise<void> {
    const { approval } = this.#parts;
    switch (state.strategy.on_failure) {
      case 'continue':
        return;
      case 'pause':
        await approval.alone(async () => {
          if (!this.#over() && !state.paused) await this.#pause(workflowActor, reason);
        });
        return;
      case 'revert':
        state.batches = [];
        await this.#revert(reason);
    }
  }

  async #pause(actor: Actor, trouble: string | null, claim?: UpdateClaim): Promise<void> {
    const also = { paused: true, trouble };
    await this.#parts.approval.transition({ event: 'paused', actor, reason: trouble, also, claim });
    this.#setPaused(true);
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    if (this.state) this.state.paused = paused;
  }

  /** Reverts every upgraded instance to its previous version; the task has failed. */
  async #revert(reason: string): Promise<void> {
    const { records, input } = this.#parts;
    const left: string[] = [];
    await this.#othersEnded();
    for (const { version, instanceIds } of await records.listUpgraded({ taskId: input.taskId })) {
      const outcome = version === null ? null : await this.#runAfterOthers('revert', version, instanceIds);
      if (outcome?.failed === 0 && outcome.error === undefined) continue;
      const why = version === null ? 'had no version before' : (outcome?.error ?? 'could not be reverted');
      left.push(`${outcome?.failed ?? instanceIds.length} instances ${why}`);
    }
    const what = [reason, left.length === 0 ? 'everything is reverted' : left.join('; ')].join('; ');
    await this.#failAfterOthers(what);
  }

  /** Waits for sub-tasks begun by people. */
  #othersEnded(): Promise<void> {
    return condition(() => this.#over() || this.#subTasks.running.size === 0);
  }

  /** Null: the task has ended. */
  async #runAfterOthers(kind: SubTaskKind, version: string, instanceIds: number[]): Promise<BatchOutcome | null> {
    for (;;) {
      await this.#othersEnded();
      if (this.#over()) return null;
      const outcome = await this.#run(kind, version, instanceIds);
      if (outcome) return outcome;
    }
  }

  async #failAfterOthers(reason: string): Promise<void> {
    while (!this.#over()) {
      await this.#othersEnded();
      await this.#parts.approval.alone(async () => {
        if (this.#subTasks.running.size === 0) await this.#fail(reason);
      });
    }
  }

  /** Runs after the last batch, under the lock. */
  async #finish(state: RolloutState): Promise<void> {
    const { approval, records, input } = this.#parts;
    if (this.#over() || this.#subTasks.running.size > 0) return;
    const { complete } = await records.judgeDeploy({ deployTaskId: input.taskId });
    if (complete) {
      await approval.transition({ event: 'finished', actor: workflowActor, status: 'finished' });
      return;
    }
    const reason = `not every instance runs ${input.version}: ${state.failures} failures`;
    if (state.strategy.on_failure === 'pause') await this.#pause(workflowActor, reason);
    else await this.#fail(reason);
  }

  async #fail(reason: string): Promise<void> {
    if (this.#over()) return;
    const also = { trouble: reason };
    await this.#parts.approval.transition({ event: 'failed', actor: workflowActor, reason, status: 'failed', also });
  }
}

type BatchOutcome = SubTaskOutcome & { taskId: number };
