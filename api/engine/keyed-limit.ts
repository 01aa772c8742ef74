/** A semaphore per key: at most `size` concurrent pieces of work, the rest wait in FIFO order. */
export class KeyedSemaphore {
  readonly #size: number;
  readonly #lines = new Map<string, { running: number; waiting: (() => void)[] }>();

  constructor(size: number) {
    this.#size = size;
  }

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { running: 0, waiting: [] };
    this.#lines.set(key, line);
    if (line.running >= this.#size) await new Promise<void>((go) => line.waiting.push(go));
    else line.running += 1;
    try {
      return await work();
    } finally {
      // The permit passes straight to the next waiter, so that a newcomer cannot take it.
      const next = line.waiting.shift();
      if (next) next();
      else if (--line.running === 0) this.#lines.delete(key);
    }
  }
}
