import { isUniqueViolation } from '../../db/core/errors.ts';
import { Problem } from '../../workflows/problems/problem.ts';

/** Runs work guarded by a unique index; a violation becomes `problem`. */
export async function unlessTaken<T>(work: Promise<T>, index: string, problem: Problem): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isUniqueViolation(error, index)) throw problem;
    throw error;
  }
}

/** The problem of a name that is in use. */
export const nameTaken = (name: string): Problem => new Problem('name_taken', { name });
