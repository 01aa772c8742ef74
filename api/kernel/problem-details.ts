import type { ProblemDetail } from '../../workflows/problems/problem.ts';

/** Most details of one answer. */
export const mostDetails = 50;

const unknownField = 'unknown field';

/** What is wrong with an input. Who sends a hundred thousand mistakes is told the first ones. */
export class Details {
  readonly #list: ProblemDetail[] = [];
  readonly #unknown = new Set<string>();

  get list(): readonly ProblemDetail[] {
    return this.#list;
  }

  /** An unknown field is told once, whoever finds it first. */
  add({ field, message }: ProblemDetail): void {
    if (this.#list.length >= mostDetails || this.#unknown.has(field)) return;
    if (message === unknownField) this.#unknown.add(field);
    this.#list.push({ field, message });
  }
}
