// A resource request from asking to delivered. The lifecycle is one for all kinds: people decide by updates, the row follows
// every transition, and the approved request is fulfilled by its kind's own part, after its plan and votes are checked again.
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { Approval } from '../approvals/engine.ts';
import type { SentBack } from '../approvals/contract.ts';
import { canChange, hasEnded } from '../approvals/policy.ts';
import { expiryOf } from '../approvals/quorum.ts';
import { carriedApproval, initialApproval } from '../approvals/state.ts';
import { ensure, failureOf, reasonOf, rootFailure } from '../lib/problem-failure.ts';
import { claimOf } from '../lib/update-claim.ts';
import { Problem } from '../problems/problem.ts';
import type { Reason } from '../problems/problem.ts';
import { workflowActor } from '../tasks/contract.ts';
import type { Actor } from '../tasks/contract.ts';
import { changeResourceUpdate, retryUpdate } from './contract.ts';
import type { ResourceChangeInput, ResourceKind, ResourceRef, ResourceRequestInput } from './contract.ts';
import { notAvailableYet } from './fulfilment.ts';
import type { Fulfilment } from './fulfilment.ts';
import { canCloseResource, canRetry, resourceWaitingOn } from './policy.ts';
import type { ResourceView } from './policy.ts';
import type { ResourceRecordActivities } from './ports.ts';

const records = proxyActivities<ResourceRecordActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '5 seconds' },
});

export const hostRequest = (input: ResourceRequestInput): Promise<string> =>
  new ResourceRequest('host_request', input, notAvailableYet).run();

export const domainRequest = (input: ResourceRequestInput): Promise<string> =>
  new ResourceRequest('domain_request', input, notAvailableYet).run();

export const certificateRequest = (input: ResourceRequestInput): Promise<string> =>
  new ResourceRequest('certificate_request', input, notAvailableYet).run();

class ResourceRequest {
  readonly #input: ResourceRequestInput;
  readonly #request: ResourceRef;
  readonly #approval: Approval;
  readonly #fulfil: Fulfilment;
  /** Why the fulfilment stands still, until it is tried again. */
  #trouble: Reason | null;
  /** It has begun to change something outside, and not taken all of it back. */
  #fulfilling: boolean;

  constructor(kind: ResourceKind, input: ResourceRequestInput, fulfil: Fulfilment) {
    const { id, creator, policy, createdTime, carried } = input;
    const { trouble = null, fulfilling = false, ...approval } = carried ?? {};
    this.#input = input;
    this.#request = { kind, id };
    this.#fulfil = fulfil;
    this.#trouble = trouble;
    this.#fulfilling = fulfilling;
    this.#approval = new Approval(initialApproval({ kind, creator, policy, createdTime }, approval), {
      record: (transition) => records.recordResourceTransition({ ...this.#request, ...transition }),
      authorize: (decide, proof) => records.authorizeResourceDecision({ ...this.#request, decide, proof }),
      recordRefused: (attempt, problem) =>
        records.recordRefusedResourceDecision({ ...this.#request, attempt, problem }),
      canClose: () => canCloseResource(this.#view()),
      settled: () => Promise.resolve(),
      closesTo: () => Promise.resolve('closed' as const),
      canDelegate: () => new Problem('not_allowed', { permission: 'delegate' }),
      waitingOn: () => this.#waitingOn(),
      children: () => [],
    });
  }

  async run(): Promise<string> {
    const approval = this.#approval;
    approval.bind();
    this.#bind();
    approval.describe();
    if (approval.state.planHash === null) await this.#completePlan();
    for (;;) {
      await condition(() => this.#ended() || this.#isDue() || workflowInfo().continueAsNewSuggested);
      if (this.#ended()) break;
      if (this.#isDue()) await this.#deliver();
      else await this.#continueAsNew();
    }
    await condition(() => allHandlersFinished() && approval.isIdle);
    return approval.state.status;
  }

  #ended(): boolean {
    return hasEnded(this.#approval.state.status);
  }

  #isDue(): boolean {
    const { status, planHash } = this.#approval.state;
    return status === 'approved' && planHash !== null && this.#trouble === null;
  }

  #bind(): void {
    setHandler(changeResourceUpdate, (change) => this.#change(change), {
      validator: ({ actor }: ResourceChangeInput) => ensure(canChange(this.#view(), actor)),
    });
    setHandler(retryUpdate, (input) => this.#retry(input), {
      // What stopped it may be recorded already, and about to be known here: the handler waits for that under the lock.
      validator: (_input: { actor: Actor }) => ensure(canRetry({ ...this.#view(), trouble: '' })),
    });
  }

  async #completePlan(): Promise<void> {
    const round = this.#approval.state.planRound;
    const { planHash } = await records.completeResourcePlan({ ...this.#request, round });
    this.#approval.plan(round, planHash);
  }

  #change(input: ResourceChangeInput): Promise<void> {
    const claim = claimOf(input);
    const { actor, fields } = input;
    const approval = this.#approval;
    return approval.alone(async () => {
      ensure(canChange(this.#view(), actor));
      const { seq, planRound } = approval.state;
      const round = planRound + 1;
      const change = { ...this.#request, seq: seq + 1, round, actor, fields, claim };
      const { status, policy } = await records.recordResourceChange(change);
      const more = { policy, changedById: actor.id };
      approval.adopt({ event: 'changed', actor, planRound: round, status }, more);
      await this.#completePlan();
    });
  }

  #retry(input: { actor: Actor }): Promise<void> {
    const claim = claimOf(input);
    return this.#approval.alone(async () => {
      ensure(canRetry(this.#view()));
      const also = { trouble: null };
      await this.#approval.transition({ event: 'retried', actor: input.actor, claim, also });
      this.#trouble = null;
    });
  }

  /** Checks the approval again and fulfils the request; what stops it is shown until somebody tries again. */
  async #deliver(): Promise<void> {
    const approval = this.#approval;
    try {
      await approval.alone(() => this.#ensureStillApproved());
      if (!this.#isDue()) return;
      await this.#fulfil(this.#request, () => approval.alone(() => this.#begin()));
      await approval.alone(() => this.#finish());
    } catch (error) {
      if (isCancellation(error)) throw error;
      await approval.alone(() => this.#stop(error));
    }
  }

  async #begin(): Promise<void> {
    if (this.#fulfilling) return;
    if (!this.#isDue()) throw failureOf(new Problem('not_approved', { status: this.#approval.state.status }));
    await this.#approval.transition({ event: 'started', actor: workflowActor, also: { fulfilling: true } });
    this.#fulfilling = true;
  }

  async #finish(): Promise<void> {
    if (this.#ended()) return;
    const also = { trouble: null, fulfilling: false };
    await this.#approval.transition({ event: 'finished', actor: workflowActor, status: 'finished', also });
  }

  /** A plan that differs from the approved one, or votes that no longer count, return the request to review. */
  async #ensureStillApproved(): Promise<void> {
    if (!this.#isDue()) return;
    const { planRound: round } = this.#approval.state;
    const { planHash, sentBack } = await records.remakeResourcePlan({ ...this.#request, round });
    if (sentBack !== null) await this.#sendBack(planHash, sentBack);
  }

  #sendBack(planHash: string, { reason, policy }: SentBack): Promise<void> {
    const needsReview = (policy ?? this.#approval.state.policy).steps.length > 0;
    return this.#approval.transition({
      event: 'sent_back',
      actor: workflowActor,
      reason,
      policy,
      status: needsReview ? 'wait_review' : undefined,
      planRound: this.#approval.state.planRound + 1,
      planHash,
      also: { trouble: needsReview ? reason : null },
    });
  }

  async #stop(error: unknown): Promise<void> {
    if (this.#ended()) return;
    const trouble = reasonOf(rootFailure(error));
    await this.#approval.transition({ event: 'stopped', actor: workflowActor, reason: trouble, also: { trouble } });
    this.#trouble = trouble;
    this.#approval.describe();
  }

  #view(): ResourceView {
    return { ...this.#approval.view(), fulfilling: this.#fulfilling, trouble: this.#trouble };
  }

  #waitingOn(): ReturnType<typeof resourceWaitingOn> {
    const { creator, policy, reviewSince, status, history } = this.#approval.state;
    const last = history.findLast(({ event }) => event === 'sent_back' || event === 'changed');
    const sentBackFor = status === 'wait_review' && last?.event === 'sent_back' ? last.reason : null;
    return resourceWaitingOn({
      ...this.#view(),
      trouble: this.#trouble ?? sentBackFor,
      creator: creator.username,
      reviewers: [],
      expires: expiryOf(policy, reviewSince),
      engineError: null,
    });
  }

  async #continueAsNew(): Promise<void> {
    await condition(() => allHandlersFinished() && this.#approval.isIdle);
    if (this.#ended() || this.#isDue()) return;
    const { state } = this.#approval;
    const carried = { ...carriedApproval(state), trouble: this.#trouble, fulfilling: this.#fulfilling };
    await continueAsNew<typeof hostRequest>({ ...this.#input, policy: state.policy, carried });
  }
}
