// The API's only way to the workflow engine: start, update, look. Failures become Problems here; what cannot be known
// (a deadline, a lost connection after the request went out) is said as unknown, never as "nothing happened".
import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import { ApplicationFailure, WorkflowIdReusePolicy } from '@temporalio/common';
import { callerGraceMs } from '../../db/coordination/outbox.ts';
import type { Acknowledger } from '../../db/coordination/outbox.ts';
import { sealUpdate } from '../../db/secrets/message-proofs.ts';
import type { Secrets } from '../../db/secrets/secrets.ts';
import { searchAttributes } from '../../workflows/lib/search-attributes.ts';
import type { Attributes } from '../../workflows/lib/search-attributes.ts';
import { fromWire, Problem, problemFailureType } from '../../workflows/problems/problem.ts';
import { KeyedSemaphore } from './keyed-limit.ts';

/** A workflow to be started, as the outbox keeps it; starting it twice is starting it once. */
export interface WorkflowStart {
  /** The workflow function's name. */
  workflow: string;
  workflowId: string;
  input: object;
  /** What the Temporal UI shows in words. */
  summary: string;
  attributes: Attributes & { kind: string; status: string; creator: string };
}

/** The workflow does not run: it has ended, was never started, or is gone. */
export class WorkflowMissingError extends Error {}

export interface Engine {
  /** Resolves when the workflow runs, or has run. With `outboxId` that row is acknowledged. */
  start(start: WorkflowStart, outboxId?: number): Promise<void>;
  /** Throws Problem as the workflow refused it, or WorkflowMissing. `updateId` makes a repetition the same update. */
  update<R, I>(workflowId: string, update: UpdateDefinition<R, [I]>, input: I, updateId: string): Promise<R>;
  /** Sends news that nobody waits for; one that does not run needs none. */
  signal(workflowId: string, signal: SignalDefinition): Promise<void>;
  /** What an update of this id was answered, whether its workflow still runs or not; undefined when there was none. */
  answerOf(workflowId: string, updateId: string): Promise<{ answer: unknown } | undefined>;
  /** Whether a workflow is open; null: the engine knows no such id. */
  isOpen(workflowId: string): Promise<boolean | null>;
  /** Throws unless the engine answers. */
  ping(): Promise<void>;
}

const callMs = 10_000;
// A worker that is killed over a workflow's task keeps the workflow for ten seconds, the engine's bound of such a task;
// the worker that comes after it answers within this.
const updateMs = 15_000;
// The engine takes ten updates of one workflow at a time and lets the rest try again for seconds; two API processes at
// most are expected to be asked about the same one.
const updatesAtOnce = 4;
const unknownOutcome = (): Problem => new Problem('outcome_unknown', { dependency: 'the workflow engine' });

/** `client` may not be connected yet: every call says so by itself. */
export function createEngine(
  client: Client,
  taskQueue: string,
  acks: Pick<Acknowledger, 'add'>,
  secrets: Pick<Secrets, 'mac'>,
): Engine {
  const turns = new KeyedSemaphore(updatesAtOnce);
  const within = <T>(call: () => Promise<T>, ms = callMs): Promise<T> => client.withDeadline(Date.now() + ms, call);
  return {
    async start({ workflow, workflowId, input, summary, attributes }, outboxId) {
      try {
        // The relay has the row from then on, so there is no use in waiting longer.
        const patience = outboxId === undefined ? callMs : callerGraceMs;
        await within(
          () =>
            client.workflow.start(workflow, {
              workflowId,
              taskQueue,
              args: [input],
              staticSummary: summary,
              typedSearchAttributes: searchAttributes(attributes),
              workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
            }),
          patience,
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
      if (outboxId !== undefined) acks.add(outboxId);
    },

    update(workflowId, update, input, updateId) {
      const deadline = Date.now() + updateMs;
      return turns.take(workflowId, async () => {
        if (Date.now() >= deadline) throw new Problem('unavailable', { dependency: 'the workflow engine' });
        try {
          const handle = client.workflow.getHandle(workflowId);
          const sealed = sealedFor(secrets, workflowId, update, input, updateId);
          return await client.withDeadline(deadline, () => handle.executeUpdate(update, { args: [sealed], updateId }));
        } catch (error) {
          throw updateProblem(error);
        }
      });
    },

    ...lookers(client, within),

    async ping() {
      await client.withDeadline(Date.now() + 2_000, () => client.workflowService.getSystemInfo({}));
    },
  };
}

/** Activities take an update only with an envelope that this process sealed. */
function sealedFor<R, I>(
  secrets: Pick<Secrets, 'mac'>,
  workflowId: string,
  { name }: UpdateDefinition<R, [I]>,
  input: I,
  updateId: string,
): I {
  const claim = { workflowId, update: name, updateId, input: input as object };
  return { ...input, proof: sealUpdate(secrets, claim, new Date()) };
}

type Within = <T>(call: () => Promise<T>) => Promise<T>;

const lookers = (client: Client, within: Within): Pick<Engine, 'signal' | 'answerOf' | 'isOpen'> => ({
  async signal(workflowId, signal) {
    try {
      await within(() => client.workflow.getHandle(workflowId).signal(signal));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  },

  async answerOf(workflowId, updateId) {
    const handle = client.workflow.getHandle(workflowId).getUpdateHandle<unknown>(updateId);
    try {
      return { answer: await within(() => handle.result()) };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw updateProblem(error);
    }
  },

  async isOpen(workflowId) {
    try {
      const { status } = await within(() => client.workflow.getHandle(workflowId).describe());
      return status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  },
});

function updateProblem(error: unknown): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    const wire = cause instanceof ApplicationFailure && cause.type === problemFailureType ? cause.details?.[0] : null;
    return fromWire(wire) ?? (isCompletion(cause) ? new WorkflowMissingError() : error);
  }
  if (error instanceof WorkflowNotFoundError) return new WorkflowMissingError();
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return unknownOutcome();
  if (isGrpcServiceError(error)) return unknownOutcome();
  if (error instanceof Error && isGrpcServiceError(error.cause)) return unknownOutcome();
  return error;
}

/** An accepted update whose workflow ended before its handler could: the decision was made by another. */
const isCompletion = (cause: unknown): boolean =>
  cause instanceof ApplicationFailure && cause.type === 'AcceptedUpdateCompletedWorkflow';
