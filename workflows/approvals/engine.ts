// The one approval engine. Each lifecycle supplies a table (how transitions are recorded, what closing means, who may be a
// delegate) and continues from `approved` itself. Decisions are updates: the validator refuses early with the documented
// problem; the handler decides again under a lock, records row, history and audit in one activity, and only then changes its
// state, so that no caller sees a decision that PostgreSQL does not hold.
import {
  condition,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { approveUpdate, closeUpdate, decideSignal, delegateUpdate, rejectUpdate, stateQuery } from './contract.ts';
import type {
  ApprovalView,
  ApproveInput,
  DecideAttempt,
  DecideInput,
  Decider,
  DelegateInput,
  ReasonInput,
  RequestState,
  RequestStatus,
  UpdateClaim,
} from './contract.ts';
import { canApprove, canReject, endedProblem, readDecide, satisfiedBy } from './policy.ts';
import { after, nextDeadline, numbered, viewOf } from './state.ts';
import type { ApprovalState, Deadline, NumberedTransition, Transition } from './state.ts';
import { awaitsLooks, requiredVotes, standing } from './quorum.ts';
import { claimOf } from '../lib/update-claim.ts';
import { Mutex } from '../lib/mutex.ts';
import { inWords } from '../lib/words.ts';
import { Problem, say } from '../problems/problem.ts';
import type { Reason } from '../problems/problem.ts';
import { ensure, failureOf, reasonOf, rootFailure, unwrapped } from '../lib/problem-failure.ts';
import { searchAttributes } from '../lib/search-attributes.ts';
import { workflowActor } from '../tasks/contract.ts';
import type { Actor, WaitingOn } from '../tasks/contract.ts';

/** The parts of a lifecycle that the engine needs. */
interface ApprovalTable {
  record(transition: NumberedTransition): Promise<void>;
  /** Looks up the sender of a message; throws Problem when they may not decide. */
  authorize(decide: DecideInput, proof: string): Promise<Decider>;
  recordRefused(attempt: DecideAttempt, problem: Reason): Promise<void>;
  canClose(): Problem | undefined;
  /** Waits briefly for work that has ended in its rows, and of which the workflow is about to learn. */
  settled(): Promise<unknown>;
  /** The status that closing the request leads to. */
  closesTo(): Promise<RequestStatus>;
  canDelegate(actor: Actor, toId: number): Problem | undefined;
  waitingOn(): WaitingOn | null;
  children(): string[];
}

const planPatience = '10 seconds';

export class Approval {
  readonly #table: ApprovalTable;
  readonly #lock = new Mutex();
  #state: ApprovalState;

  constructor(state: ApprovalState, table: ApprovalTable) {
    this.#state = state;
    this.#table = table;
  }

  get state(): Readonly<ApprovalState> {
    return this.#state;
  }

  view(): ApprovalView {
    return viewOf(this.#state);
  }

  /** Runs a decision exclusively, so that no other interleaves between its gate and its record. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.run(() => unwrapped(work()));
  }

  /** Whether no decision is in progress, so that continue-as-new is safe. */
  get isIdle(): boolean {
    return this.#lock.isFree;
  }

  /** Records a transition, then applies it. */
  async transition(change: Transition): Promise<void> {
    await this.#table.record(numbered(this.#state, change, new Date().toISOString()));
    this.adopt(change);
  }

  /** Applies a transition that an activity has recorded under the next sequence number; `more`: its additional results. */
  adopt(change: Transition, more: Partial<ApprovalState> = {}): void {
    const { status } = this.#state;
    this.#state = { ...after(this.#state, change, new Date().toISOString()), ...more };
    if (this.#state.status !== status) upsertSearchAttributes(searchAttributes({ status: this.#state.status }));
    this.describe();
  }

  /** Sets the plan of a round; `unread`: why its package could not be read. */
  plan(round: number, planHash: string, unread: string | null = null): void {
    if (this.#state.planRound === round) this.#state = { ...this.#state, planHash, unread };
    this.describe();
  }

  /** Sets the present details in the Temporal UI. */
  describe(): void {
    const waiting = this.#table.waitingOn();
    setCurrentDetails(waiting ? `**${this.state.status}**: ${inWords(waiting.text)}` : `**${this.state.status}**`);
  }

  bind(): void {
    void this.#keepTime();
    setHandler(approveUpdate, (input) => this.#approve(input, claimOf(input)), {
      validator: (input: ApproveInput) => ensure(canApprove(this.view(), input)),
    });
    setHandler(rejectUpdate, (input) => this.#reject(input, claimOf(input)), {
      validator: ({ actor }: ReasonInput) => ensure(canReject(this.view(), actor)),
    });
    setHandler(closeUpdate, (input) => this.#close(input, claimOf(input)), {
      validator: (_input: ReasonInput) => ensure(endedProblem(this.state.status)),
    });
    setHandler(delegateUpdate, (input) => this.#delegate(input, claimOf(input)), {
      validator: ({ actor, userId }: DelegateInput) => ensure(this.#table.canDelegate(actor, userId)),
    });
    setHandler(decideSignal, (message) => this.#decide(message));
    setHandler(stateQuery, () => this.#answer());
  }

  /** Waits briefly for a plan that is being made. */
  async planned(): Promise<void> {
    const { status } = this.state;
    await condition(() => this.state.planHash !== null || this.state.status !== status, planPatience);
  }

  async #approve(input: ApproveInput, claim?: UpdateClaim): Promise<void> {
    await this.planned();
    await this.alone(async () => {
      const { planHash, planRound: round } = this.state;
      const view = this.view();
      const named = patched('vote-names-plan') ? input.planHash : (input.planHash ?? planHash ?? undefined);
      ensure(canApprove(view, { ...input, planHash: named }));
      if (planHash === null) throw failureOf(new Problem('plan_pending', { reason: say('package_is_being_read') }));
      const { actor, reason, voter } = input;
      const { step } = standing(view);
      const status =
        !awaitsLooks(view) && satisfiedBy(view, { userId: actor.id, step, voter }) ? 'approved' : undefined;
      await this.transition({
        event: 'approved',
        actor,
        reason,
        status,
        vote: { round, planHash, step, voter },
        claim,
      });
    });
  }

  #reject({ actor, reason }: ReasonInput, claim?: UpdateClaim): Promise<void> {
    return this.alone(async () => {
      ensure(canReject(this.view(), actor));
      await this.transition({ event: 'rejected', actor, reason, status: 'rejected', claim });
    });
  }

  async #close({ actor, reason }: ReasonInput, claim?: UpdateClaim): Promise<void> {
    await this.#table.settled();
    await this.alone(async () => {
      ensure(this.#table.canClose());
      const status = await this.#table.closesTo();
      await this.transition({ event: 'closed', actor, reason, status, claim });
    });
  }

  #delegate({ actor, userId, username }: DelegateInput, claim: UpdateClaim): Promise<void> {
    return this.alone(async () => {
      ensure(this.#table.canDelegate(actor, userId));
      const phase = this.state.status === 'wait_review' ? 'review' : 'ownership';
      const delegation = { phase, toId: userId, username } as const;
      await this.transition({ event: 'delegated', actor, reason: `to ${username}`, delegation, claim });
    });
  }

  /** Applies deadlines of undecided requests; a policy without hours starts no timer. */
  async #keepTime(): Promise<void> {
    for (;;) {
      const next = nextDeadline(this.state);
      const isPast = (): boolean => nextDeadline(this.state)?.at !== next?.at;
      if (!next) await condition(isPast);
      else if (!(await condition(isPast, Math.max(1, next.at - Date.now())))) await this.#fallDue(next);
    }
  }

  /** Applies a deadline unless the request was decided meanwhile. */
  #fallDue({ kind, hours, at }: Deadline): Promise<void> {
    return this.alone(async () => {
      const due = nextDeadline(this.state);
      if (due?.kind !== kind || due.at !== at) return;
      if (kind === 'expire') {
        const reason = `expired: not approved within ${hours} h`;
        await this.transition({ event: 'closed', actor: workflowActor, reason, status: 'closed' });
      } else {
        const reason = `not approved within ${hours} h: role ${this.state.policy.escalateTo?.name ?? ''} may vote too`;
        await this.transition({ event: 'escalated', actor: workflowActor, reason, escalated: true });
      }
    });
  }

  /** A signal has no response, so refusals are recorded in the audit. */
  async #decide(message: unknown): Promise<void> {
    const { attempt, decide, proof = '' } = readDecide(message);
    try {
      if (!decide) throw failureOf(new Problem('message_unreadable'));
      const { decision, reason, messageId, planHash } = decide;
      const ensureNew = (): void =>
        ensure(this.state.messages.includes(messageId) ? new Problem('message_repeated') : undefined);
      ensureNew();
      // A message without proof must not use up the id of one with proof.
      const isProvenFirst = patched('proof-before-message');
      if (!isProvenFirst) this.state.messages.push(messageId);
      const { voter, ...actor } = await this.#table.authorize(decide, proof);
      if (isProvenFirst) {
        ensureNew();
        this.state.messages.push(messageId);
      }
      if (decision === 'approve') await this.#approve({ actor, voter, reason, planHash });
      else if (decision === 'reject') await this.#reject({ actor, reason });
      else await this.#close({ actor, reason });
    } catch (error) {
      const problem = reasonOf(rootFailure(error));
      log.warn('decision refused', { workflowId: workflowInfo().workflowId, problem: inWords(problem) });
      await this.#table.recordRefused(attempt, problem);
    }
  }

  #answer(): RequestState {
    const { status, owner, planHash, policy, votes, history } = this.state;
    const waiting = this.#table.waitingOn();
    return {
      status,
      owner: owner.username,
      planHash,
      approvals: { required: requiredVotes(policy), given: votes },
      waitingOn: waiting && { ...waiting, text: inWords(waiting.text) },
      history: history.map(({ reason, ...event }) => ({ ...event, reason: reason && inWords(reason) })),
      children: this.#table.children(),
    };
  }
}
