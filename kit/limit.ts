/** At most `size` concurrent pieces of work; the rest wait in FIFO order. */
export class Semaphore {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#size) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The permit passes straight to the next waiter, so that a newcomer cannot take it.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** A semaphore per key; of size 1 a mutex. */
export class KeyedSemaphore {
  readonly #size: number;
  readonly #held = new Map<string, Semaphore>();

  constructor(size: number) {
    this.#size = size;
  }

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const semaphore = this.#held.get(key) ?? new Semaphore(this.#size);
    this.#held.set(key, semaphore);
    try {
      return await semaphore.take(work);
    } finally {
      if (semaphore.isIdle && this.#held.get(key) === semaphore) this.#held.delete(key);
    }
  }
}
