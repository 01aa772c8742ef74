const hourMs = 60 * 60 * 1000;
const mostMs = 12 * hourMs;

/**
 * When to look again without news: in an hour at first, then less and less often, so that a wait of weeks keeps a short
 * history. News that is lost costs that time at most.
 */
export class PollBackoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #ms: number;

  /** Without milliseconds of one's own: an hour at first, twelve at most. */
  constructor(first = hourMs, most = mostMs) {
    this.#firstMs = first;
    this.#mostMs = most;
    this.#ms = first;
  }

  /** Something has happened: the next ones come sooner again. */
  reset(): void {
    this.#ms = this.#firstMs;
  }

  /** Milliseconds until the next look. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, this.#mostMs);
    return ms;
  }
}
