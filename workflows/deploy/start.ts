// How a deploy task starts: by its owner, or automatically at its planned time. A freeze holds both; another running task of
// the application holds the automatic one. Held starts resume automatically. Re-evaluated on every signal and on a timer, so
// a lost signal only costs a delay.
import { condition, isCancellation } from '@temporalio/workflow';
import type { UpdateClaim } from '../approvals/contract.ts';
import { hasEnded } from '../approvals/policy.ts';
import { messageOf, Problem, say } from '../problems/problem.ts';
import { ensure, failureOf, isProblem, reasonOf, rootFailure } from '../lib/problem-failure.ts';
import { workflowActor } from '../tasks/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import type { FreezeRef, HeldStart, StartInput } from './contract.ts';
import { PollBackoff } from './poll-backoff.ts';
import { canStart } from './policy.ts';
import type { DeployView } from './policy.ts';
import { sendBack } from './send-back.ts';
import type { DeployParts } from './sub-tasks.ts';

type By = HeldStart['by'];

export class Start {
  readonly #parts: DeployParts;
  readonly #view: () => DeployView;
  #automatic: boolean;
  held: HeldStart | null;
  inFront: number | null = null;
  plannedExecTime: Date;
  #news = 0;
  readonly #looks = new PollBackoff();
  /** Waiting, with no state that continue-as-new would lose. */
  idle = true;

  constructor(parts: DeployParts, view: () => DeployView) {
    const { input } = parts;
    this.#parts = parts;
    this.#view = view;
    this.plannedExecTime = new Date(input.plannedExecTime);
    this.#automatic = input.autoStart ?? false;
    this.held = input.carried?.held ?? null;
  }

  get automatic(): boolean {
    return this.#automatic;
  }

  set automatic(value: boolean) {
    this.#automatic = value;
    this.wake();
  }

  wake(): void {
    this.#news += 1;
    this.#looks.reset();
  }

  /** The owner's request to start. */
  async request(start: StartInput, claim: UpdateClaim): Promise<void> {
    const { actor, override = false, reason } = start;
    const { approval } = this.#parts;
    await approval.planned();
    await approval.alone(async () => {
      ensure(canStart(this.#view(), start, new Date()));
      const freeze = await this.#remade(claim);
      if (freeze && !override) {
        // Only an approved task can wait for an automatic start.
        if (approval.state.status === 'wait_review') throw failureOf(new Problem('frozen', { ...freeze }));
        await this.#hold(freeze, { actor, reason });
      } else await this.#begin(actor, freeze ? `freeze ${freeze.id} overridden: ${reason ?? ''}` : reason);
    });
  }

  /** Starts held or automatic tasks, until the task has ended. */
  async run(): Promise<void> {
    const { approval } = this.#parts;
    for (;;) {
      await condition(() => this.#over() || this.#waits());
      if (this.#over()) return;
      // Signals received during the evaluation count for the following wait.
      const seen = this.#news;
      const early = this.held ? 0 : this.plannedExecTime.getTime() - Date.now();
      this.idle = false;
      const until = early > 0 ? Date.now() + early : await approval.alone(() => this.#tryNow());
      this.idle = true;
      if (until !== null) await this.#sleep(until - Date.now(), seen);
    }
  }

  #over(): boolean {
    return hasEnded(this.#parts.approval.state.status);
  }

  #waits(): boolean {
    const { status, planHash } = this.#parts.approval.state;
    return status === 'approved' && (this.held !== null || (this.#automatic && planHash !== null));
  }

  async #sleep(ms: number, seen: number): Promise<void> {
    await condition(() => this.#news !== seen || !this.#waits(), Math.max(1_000, ms));
  }

  /** Returns the delay until the next evaluation; null: at once. */
  async #tryNow(): Promise<number | null> {
    if (!this.#waits()) return null;
    const { input, records } = this.#parts;
    const { freeze, running } = await records.findObstacles({ taskId: input.taskId, at: new Date().toISOString() });
    const soon = Date.now() + this.#looks.next();
    this.inFront = running;
    if (freeze) {
      if (this.held?.freeze?.id !== freeze.id) {
        await this.#hold(freeze, this.held?.by ?? null);
        return null;
      }
      this.held = { ...this.held, freeze };
      return Math.min(soon, Date.parse(freeze.until));
    }
    if (running !== null) {
      await this.#showFree();
      return soon;
    }
    const by = this.held?.by ?? null;
    try {
      if (await this.#remade()) return null;
      await this.#begin(by?.actor ?? workflowActor, by ? by.reason : 'at its planned time');
      return null;
    } catch (error) {
      if (isCancellation(error)) throw error;
      return this.#refused(error, soon);
    }
  }

  async #refused(error: unknown, soon: number): Promise<number | null> {
    const root = rootFailure(error);
    if (isProblem(root, 'another_running')) return soon;
    this.held = null;
    this.#automatic = false;
    await this.#parts.records.recordRefusedStart({ taskId: this.#parts.input.taskId, problem: reasonOf(root) });
    return null;
  }

  /** Makes the plan again: a different one returns to review. Returns the freeze that holds a start. */
  async #remade(claim?: UpdateClaim): Promise<FreezeRef | null> {
    const { approval, hands, input } = this.#parts;
    const { state } = approval;
    const { taskId } = input;
    const at = new Date().toISOString();
    const remade = await hands.remakePlan({ taskId, round: state.planRound, at, claim });
    const { planHash, difference, freeze = null, sentBack = null } = remade;
    if (sentBack) {
      this.held = null;
      const why = messageOf(sentBack.reason);
      const reason =
        difference === null ? why : say('and_plan_differs', { reason: why, difference: messageOf(difference) });
      await sendBack(approval, planHash, { ...sentBack, reason });
      throw failureOf(new Problem('approval_gone', { reason }));
    }
    if (difference === null) return freeze;
    const needsReview = state.policy.steps.length > 0 && state.status === 'approved';
    await approval.transition({
      event: 'plan_changed',
      actor: workflowActor,
      reason: difference,
      status: needsReview ? ('wait_review' as const) : undefined,
      planRound: state.planRound + 1,
      planHash,
      also: needsReview ? { heldBy: null } : undefined,
    });
    if (!needsReview) return freeze;
    this.held = null;
    throw failureOf(new Problem('back_to_review', { difference: messageOf(difference) }));
  }

  async #hold(freeze: FreezeRef, by: By): Promise<void> {
    const reason = `freeze ${freeze.id} until ${freeze.until}`;
    const actor = this.held ? workflowActor : (by?.actor ?? workflowActor);
    this.held = { freeze, by };
    await this.#parts.approval.transition({ event: 'held', actor, reason, also: { heldBy: freeze.id } });
  }

  /** The freeze has ended, but the task cannot start yet. */
  async #showFree(): Promise<void> {
    const { held } = this;
    if (!held?.freeze) return;
    this.held = held.by ? { ...held, freeze: null } : null;
    await this.#parts.records.recordWait({ taskId: this.#parts.input.taskId, heldBy: null });
    this.#parts.approval.describe();
  }

  async #begin(actor: Actor, reason: string | undefined): Promise<void> {
    const also = { heldBy: null, trouble: null };
    const { approval } = this.#parts;
    const brokeGlass = approval.state.status === 'wait_review' ? true : undefined;
    await approval.transition({ event: 'started', actor, reason, status: 'running', brokeGlass, also });
    this.held = null;
  }
}
