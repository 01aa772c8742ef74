import type { ProblemDetail } from '../../workflows/problems/problem.ts';

/** Maximum details in one response. */
export const mostDetails = 50;

const unknownField = 'unknown_field';

/** Collects the errors of an input, up to a cap: a body with a hundred thousand mistakes gets only the first ones. */
export class Details {
  readonly #list: ProblemDetail[] = [];
  readonly #unknown = new Set<string>();

  get list(): readonly ProblemDetail[] {
    return this.#list;
  }

  /** An unknown field is reported once, even if two checks find it. */
  add({ field, message }: ProblemDetail): void {
    if (this.#list.length >= mostDetails || this.#unknown.has(field)) return;
    if (typeof message !== 'string' && message.key === unknownField) this.#unknown.add(field);
    this.#list.push({ field, message });
  }
}
