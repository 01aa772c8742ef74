// The compensation stack: undoes steps in reverse order, also after a cancellation, and tries every inverse even if an
// earlier one failed.
import { CancellationScope } from '@temporalio/workflow';

export class UndoStack {
  readonly #inverses: (() => Promise<void>)[] = [];

  /** Push before the step is tried: a step that fails half-way needs its inverse too, so inverses are idempotent. */
  push(inverse: () => Promise<void>): void {
    this.#inverses.push(inverse);
  }

  /** Returns the failures of inverses; empty when all succeeded. */
  async unwind(): Promise<Error[]> {
    const failures: Error[] = [];
    await CancellationScope.nonCancellable(async () => {
      for (let inverse = this.#inverses.pop(); inverse; inverse = this.#inverses.pop()) {
        try {
          await inverse();
        } catch (error) {
          failures.push(error instanceof Error ? error : new Error(String(error)));
        }
      }
    });
    return failures;
  }
}
