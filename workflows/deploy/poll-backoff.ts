const hourMs = 60 * 60 * 1000;
const mostMs = 12 * hourMs;

/**
 * Poll intervals with exponential back-off: an hour at first, then longer, so that waits of weeks keep histories short. A
 * lost signal costs one interval at most.
 */
export class PollBackoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #ms: number;

  /** By default an hour at first, twelve at most. */
  constructor(first = hourMs, most = mostMs) {
    this.#firstMs = first;
    this.#mostMs = most;
    this.#ms = first;
  }

  /** Something has happened: restarts with short intervals. */
  reset(): void {
    this.#ms = this.#firstMs;
  }

  /** Milliseconds until the next poll. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, this.#mostMs);
    return ms;
  }
}
