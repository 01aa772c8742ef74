const hourMs = 60 * 60 * 1000;
const mostMs = 12 * hourMs;

/**
 * When to look again without news: in an hour at first, then less and less often, so that a wait of weeks keeps a short
 * history. News that is lost costs that time at most.
 */
export class Looks {
  #ms = hourMs;

  /** Something has happened: the next ones come sooner again. */
  reset(): void {
    this.#ms = hourMs;
  }

  /** Milliseconds until the next look. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, mostMs);
    return ms;
  }
}
