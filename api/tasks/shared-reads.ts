/** Maximum bytes of results kept for others who ask for the same; without a result they read again. */
const mostBytes = 8 * 1024 * 1024;
/** What an entry takes besides its result. */
const entryBytes = 512;

interface Entry {
  result: Promise<unknown>;
  bytes: number;
}

type Share = <T>(what: string, read: () => Promise<T>, bytesOf: (result: T) => number) => Promise<T>;

/**
 * Reads made once for everybody who asks for them within a scope. The oldest results are dropped first; a failure is told to
 * those who wait for it, and not kept.
 */
export class SharedReads {
  readonly #entries = new Map<string, Entry>();
  #scopes = 0;
  #bytes = 0;

  /** Returns a function that shares reads, by their names, among its own calls. */
  scope(): Share {
    this.#scopes += 1;
    const scope = this.#scopes;
    return (what, read, bytesOf) => this.#share(`${scope} ${what}`, read, bytesOf);
  }

  #share<T>(key: string, read: () => Promise<T>, bytesOf: (result: T) => number): Promise<T> {
    const known = this.#entries.get(key);
    if (known) return known.result as Promise<T>;
    const result = read();
    const entry: Entry = { result, bytes: entryBytes };
    this.#entries.set(key, entry);
    this.#bytes += entryBytes;
    result.then(
      (value) => this.#weigh(key, entry, bytesOf(value)),
      () => this.#drop(key, entry),
    );
    this.#trim();
    return result;
  }

  #weigh(key: string, entry: Entry, bytes: number): void {
    if (this.#entries.get(key) !== entry) return;
    entry.bytes += bytes;
    this.#bytes += bytes;
    this.#trim();
  }

  #drop(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  #trim(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= mostBytes) return;
      this.#drop(key, entry);
    }
  }
}
