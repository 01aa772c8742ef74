// The one approval engine. A lifecycle gives it a table (how a transition is recorded, what closing means, who may be
// delegated to) and goes on from `approved` by itself. Decisions are updates: the validator refuses with the documented
// problem before anything is written, the handler decides again under a lock, records row, history and audit in one
// activity, and only then believes it. The record comes first, so that nobody is told what PostgreSQL does not hold.
import {
  condition,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  approveUpdate,
  closeUpdate,
  decideSignal,
  delegateUpdate,
  rejectUpdate,
  stateQuery,
} from './approvals/contract.ts';
import type {
  ApprovalView,
  ApproveInput,
  DecideAttempt,
  DecideInput,
  DelegateInput,
  ReasonInput,
  RequestState,
  RequestStatus,
  Vote,
} from './approvals/contract.ts';
import { canApprove, canReject, endedProblem, readDecide, satisfiedBy } from './approvals/policy.ts';
import { Mutex } from './mutex.ts';
import { Problem } from './problem.ts';
import { ensure, failureOf, rootFailure, unwrapped } from './refuse.ts';
import { searchAttributes } from './search-attributes.ts';
import type { Actor, WaitingOn } from './tasks.ts';

interface Person {
  id: number;
  username: string;
}

export interface ApprovalState {
  status: RequestStatus;
  creator: Person;
  owner: Person;
  requiredApprovals: number;
  planRound: number;
  planHash: string | null;
  votes: Vote[];
  history: RequestState['history'];
  seq: number;
  /** Ids of the chat messages that were acted on. */
  messages: string[];
}

export interface Transition {
  event: string;
  actor: Actor;
  reason?: string | null | undefined;
  status?: RequestStatus | undefined;
  vote?: { round: number; planHash: string } | undefined;
  delegation?: { phase: 'review' | 'ownership'; toId: number; username: string } | undefined;
  planRound?: number | undefined;
  planHash?: string | undefined;
  /** Columns of the lifecycle's own that are recorded with it. */
  also?: object | undefined;
}

/** What a lifecycle tells the engine about itself. */
export interface ApprovalTable {
  record(transition: Transition & { seq: number }): Promise<void>;
  /** The actor of a message; throws Problem when he may not decide. */
  authorize(decide: DecideInput): Promise<Actor>;
  recordRefused(attempt: DecideAttempt, problem: string): Promise<void>;
  canClose(): Problem | undefined;
  /** Waits a moment for work that has ended on its rows already, and that the workflow is about to hear of. */
  settled(): Promise<unknown>;
  /** The status that closing leads to from the present one. */
  closesTo(): Promise<RequestStatus>;
  canDelegate(actor: Actor, toId: number): Problem | undefined;
  waitingOn(): WaitingOn | null;
  children(): string[];
}

const planPatience = '10 seconds';

export class Approval {
  readonly state: ApprovalState;
  readonly #table: ApprovalTable;
  readonly #lock = new Mutex();

  constructor(state: ApprovalState, table: ApprovalTable) {
    this.state = state;
    this.#table = table;
  }

  view(): ApprovalView {
    const { status, creator, owner, planHash, requiredApprovals, votes } = this.state;
    return { status, creatorId: creator.id, ownerId: owner.id, planHash, requiredApprovals, votes };
  }

  /** Runs a decision alone: no other decides between its gate and its record. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.run(() => unwrapped(work()));
  }

  /** Records a transition, then takes it over. */
  async transition(change: Transition): Promise<void> {
    await this.#table.record({ ...change, seq: this.state.seq + 1 });
    this.adopt(change);
  }

  /** Takes over what an activity has recorded under the next sequence number. */
  adopt(change: Transition): void {
    const { state } = this;
    state.seq += 1;
    const time = new Date().toISOString();
    const { event, actor, reason, vote, delegation, status } = change;
    state.history.push({ event, by: actor.username, time, reason: reason ?? null, channel: actor.channel });
    if (change.planRound !== undefined) {
      state.planRound = change.planRound;
      state.planHash = change.planHash ?? null;
      state.votes = [];
    }
    if (vote) {
      const { id: userId, username, channel } = actor;
      state.votes.push({ userId, username, time, planHash: vote.planHash, channel });
    }
    if (delegation?.phase === 'ownership') state.owner = { id: delegation.toId, username: delegation.username };
    if (status && status !== state.status) {
      state.status = status;
      upsertSearchAttributes(searchAttributes({ status }));
    }
    this.describe();
  }

  /** What the Temporal UI shows as the present details. */
  describe(): void {
    const waiting = this.#table.waitingOn();
    setCurrentDetails(waiting ? `**${this.state.status}**: ${waiting.text}` : `**${this.state.status}**`);
  }

  bind(): void {
    setHandler(approveUpdate, (input) => this.#approve(input), {
      validator: (input: ApproveInput) => ensure(canApprove(this.view(), input)),
    });
    setHandler(rejectUpdate, (input) => this.#reject(input), {
      validator: ({ actor }: ReasonInput) => ensure(canReject(this.view(), actor)),
    });
    setHandler(closeUpdate, (input) => this.#close(input), {
      validator: (_input: ReasonInput) => ensure(endedProblem(this.state.status)),
    });
    setHandler(delegateUpdate, (input) => this.#delegate(input), {
      validator: ({ actor, userId }: DelegateInput) => ensure(this.#table.canDelegate(actor, userId)),
    });
    setHandler(decideSignal, (message) => this.#decide(message));
    setHandler(stateQuery, () => this.#answer());
  }

  /** A plan that is just being made is worth a moment's patience. */
  async planned(): Promise<void> {
    const { status } = this.state;
    await condition(() => this.state.planHash !== null || this.state.status !== status, planPatience);
  }

  async #approve(input: ApproveInput): Promise<void> {
    await this.planned();
    await this.alone(async () => {
      const { planHash, planRound } = this.state;
      ensure(canApprove(this.view(), input));
      if (planHash === null) throw failureOf(new Problem('plan_pending', { reason: 'its package is being read' }));
      const { actor, reason } = input;
      const status = satisfiedBy(this.view(), 1) ? 'approved' : undefined;
      await this.transition({ event: 'approved', actor, reason, status, vote: { round: planRound, planHash } });
    });
  }

  #reject({ actor, reason }: ReasonInput): Promise<void> {
    return this.alone(async () => {
      ensure(canReject(this.view(), actor));
      await this.transition({ event: 'rejected', actor, reason, status: 'rejected' });
    });
  }

  async #close({ actor, reason }: ReasonInput): Promise<void> {
    await this.#table.settled();
    await this.alone(async () => {
      ensure(this.#table.canClose());
      const status = await this.#table.closesTo();
      await this.transition({ event: 'closed', actor, reason, status });
    });
  }

  #delegate({ actor, userId, username }: DelegateInput): Promise<void> {
    return this.alone(async () => {
      ensure(this.#table.canDelegate(actor, userId));
      const phase = this.state.status === 'wait_review' ? 'review' : 'ownership';
      const delegation = { phase, toId: userId, username } as const;
      await this.transition({ event: 'delegated', actor, reason: `to ${username}`, delegation });
    });
  }

  /** A signal has no answer, so a refusal must leave its trace in the audit record. */
  async #decide(message: unknown): Promise<void> {
    const { attempt, decide } = readDecide(message);
    try {
      if (!decide) throw failureOf(new Problem('message_unreadable'));
      const { decision, reason, messageId } = decide;
      ensure(this.state.messages.includes(messageId) ? new Problem('message_repeated') : undefined);
      this.state.messages.push(messageId);
      const actor = await this.#table.authorize(decide);
      if (decision === 'approve') await this.#approve({ actor, reason });
      else if (decision === 'reject') await this.#reject({ actor, reason });
      else await this.#close({ actor, reason });
    } catch (error) {
      const refused = rootFailure(error);
      const problem = refused instanceof Error ? refused.message : String(refused);
      log.warn('decision refused', { workflowId: workflowInfo().workflowId, problem });
      await this.#table.recordRefused(attempt, problem);
    }
  }

  #answer(): RequestState {
    const { status, owner, planHash, requiredApprovals, votes, history } = this.state;
    return {
      status,
      owner: owner.username,
      planHash,
      approvals: { required: requiredApprovals, given: votes },
      waitingOn: this.#table.waitingOn(),
      history,
      children: this.#table.children(),
    };
  }
}
