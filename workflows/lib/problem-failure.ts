import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';
import { fromWire, problemFailureType, toWire } from '../problems/problem.ts';
import type { Problem, ProblemName, Reason } from '../problems/problem.ts';
import { inWords } from './words.ts';

/** A Problem in the only form that an update may throw without wedging its workflow task. */
export const failureOf = (problem: Problem): ApplicationFailure =>
  ApplicationFailure.create({
    type: problemFailureType,
    message: inWords(problem.said),
    nonRetryable: true,
    details: [toWire(problem)],
  });

/** Throws the problem returned by a gate, if any. */
export function ensure(refused: Problem | undefined): void {
  if (refused) throw failureOf(refused);
}

/** The original failure of an activity or child, without the engine's wrappers. */
export function rootFailure(error: unknown): unknown {
  const wrapped = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  return wrapped && error.cause ? rootFailure(error.cause) : error;
}

function problemIn(error: unknown): Problem | undefined {
  const wire = error instanceof ApplicationFailure && error.type === problemFailureType ? error.details?.[0] : null;
  return fromWire(wire);
}

/** Whether a failure is this problem. */
export const isProblem = (error: unknown, name: ProblemName): boolean => problemIn(error)?.problem === name;

/** Why something failed: a problem's message, or the text of any other error. */
export const reasonOf = (error: unknown): Reason =>
  problemIn(error)?.said ?? (error instanceof Error ? error.message : String(error));

/** Passes an activity's refusal on to the caller of an update. */
export async function unwrapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw rootFailure(error);
  }
}
