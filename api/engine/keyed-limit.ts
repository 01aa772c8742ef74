/** At most `size` pieces of work at a time under one key; the rest wait in the order of asking. */
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
      // The place is handed on as it is, so that nobody who comes just now can take it.
      const next = line.waiting.shift();
      if (next) next();
      else if (--line.running === 0) this.#lines.delete(key);
    }
  }
}
