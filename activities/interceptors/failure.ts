// The one place that converts activity errors into engine failures: a Problem is final and keeps its name, refusals by
// providers and permanent database errors (db/core/sql-state.ts) are final, everything else is retried.
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import { codeOf } from '../../kit/error-code.ts';
import { Problem, problemFailureType, toWire } from '../../workflows/problems/problem.ts';
import { ProviderError } from '../providers/error.ts';
import { render } from '../../kit/messages/message.ts';

/** The engine failure for `error`. */
export function toFailure(error: unknown): unknown {
  if (error instanceof Problem) {
    return ApplicationFailure.create({
      type: problemFailureType,
      message: render(error.said, 'en'),
      nonRetryable: true,
      details: [toWire(error)],
    });
  }
  if (error instanceof ProviderError) {
    const { kind, provider, message, retryAfterMs } = error;
    return ApplicationFailure.create({
      type: `${provider}.${kind}`,
      message,
      nonRetryable: kind === 'refused',
      ...(retryAfterMs !== null && { nextRetryDelay: retryAfterMs }),
    });
  }
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  // The text of a driver or database may quote its input; the history gets only the error's name.
  const name = error instanceof Error ? error.name : 'Error';
  return ApplicationFailure.create({ type: name, message: describe(error), nonRetryable: isRefusedForGood(error) });
}

function describe(error: unknown): string {
  if (isRefusedForGood(error)) return refusedForGood(error);
  return `an activity failed${codeIn(error)}; see the worker's log`;
}

function codeIn(error: unknown): string {
  const code = codeOf(error);
  return typeof code === 'string' || typeof code === 'number' ? ` (${code})` : '';
}

/** A message that the database permanently rejects the write. */
export const refusedForGood = (error: unknown): string =>
  `the database refuses what was to be written${codeIn(error)}; see the worker's log`;

const heartbeatMs = 1_000;

/** Sends a heartbeat every second, however long a call within an activity takes. */
export const heartbeatInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), heartbeatMs);
    try {
      return await next(input);
    } finally {
      clearInterval(timer);
    }
  },
};

/** Converts the failures of all activities; `report` receives those that are not refusals, for the log. */
export const failureInterceptor = (report: (error: unknown) => void): ActivityInboundCallsInterceptor => ({
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      const expected =
        error instanceof Problem || error instanceof ApplicationFailure || error instanceof CancelledFailure;
      if (!expected) report(error);
      throw toFailure(error);
    }
  },
});
