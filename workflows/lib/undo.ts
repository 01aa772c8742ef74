// The compensation stack: what was done is taken back in reverse order, also when the work was cancelled, and every
// inverse is tried even if one before it failed.
import { CancellationScope } from '@temporalio/workflow';

export class UndoStack {
  readonly #inverses: (() => Promise<void>)[] = [];

  /** Pushed before the step is tried: a step that failed half-way needs its inverse too, so inverses are idempotent. */
  push(inverse: () => Promise<void>): void {
    this.#inverses.push(inverse);
  }

  /** Answers what could not be taken back; empty when everything could. */
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
