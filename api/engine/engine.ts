// The API's only way to the workflow engine: start, update, query. Failures become Problems here; an uncertain outcome
// (a deadline, or a connection lost after the request was sent) is reported as unknown, never as "nothing happened".
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
import { KeyedSemaphore } from '../../kit/limit.ts';

/** A workflow to start, as stored in the outbox; starting is idempotent. */
export interface WorkflowStart {
  /** The workflow function's name. */
  workflow: string;
  workflowId: string;
  input: object;
  /** The description shown in the Temporal UI. */
  summary: string;
  attributes: Attributes & { kind: string; status: string; creator: string };
}

/** The workflow is not running: it has ended, was never started, or was deleted. */
export class WorkflowMissingError extends Error {}

export interface Engine {
  /** Resolves when the workflow is running or has run. With `outboxId` that outbox row is acknowledged. */
  start(start: WorkflowStart, outboxId?: number): Promise<void>;
  /** Throws the workflow's Problem, or WorkflowMissingError. `updateId` makes the update idempotent. */
  update<R, I>(workflowId: string, update: UpdateDefinition<R, [I]>, input: I, updateId: string): Promise<R>;
  /** Sends a signal without waiting for its effect; a workflow that is not running is ignored. */
  signal(workflowId: string, signal: SignalDefinition): Promise<void>;
  /** The result of the update with this id, even if its workflow has ended; undefined if there was no such update. */
  answerOf(workflowId: string, updateId: string): Promise<{ answer: unknown } | undefined>;
  /** Whether a workflow is open; null if the engine does not know the id. */
  isOpen(workflowId: string): Promise<boolean | null>;
  /** Throws if the engine does not respond. */
  ping(): Promise<void>;
}

const callMs = 10_000;
// If a worker is killed during a workflow task, the workflow is stuck for ten seconds, the engine's timeout of such a task;
// the next worker responds within this time.
const updateMs = 15_000;
// The engine admits ten concurrent updates per workflow and makes the rest back off for seconds; at most two API processes
// are expected to update the same workflow.
const updatesAtOnce = 4;
const unknownOutcome = (): Problem => new Problem('outcome_unknown', { dependency: 'the workflow engine' });

/** `client` need not be connected yet: each call reports its own failure. */
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
        // From then on the relay handles the row, so a longer wait has no use.
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

/** Activities accept an update only in an envelope sealed by this process. */
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

/** An accepted update whose workflow completed before its handler did: another decision ended the workflow. */
const isCompletion = (cause: unknown): boolean =>
  cause instanceof ApplicationFailure && cause.type === 'AcceptedUpdateCompletedWorkflow';
