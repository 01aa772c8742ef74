// Batches calls that arrive within milliseconds into one publish: twenty messages for a thousand hosts. Per-minion data is
// passed as lines of standard input, from which each minion takes its own.
import { withTimeout } from '../../../../kit/abort.ts';
import { runJob, searching } from './job.ts';
import type { SaltCall, Master, Return } from './job.ts';

const gatherMs = 5;
/**
 * A publish costs salt-api a third of a second of CPU: calls arriving meanwhile share the next one, unless it takes long.
 */
const longestPublishMs = 1_000;
const mostMinions = 50;
/** Salt's API takes requests up to 1 MiB, and JSON adds to them. */
const mostBytes = 600 * 1024;

/** A call to one minion; calls of the same `kind` may share a publish. */
interface Wish {
  kind: string;
  minion: string;
  /** Input line of this minion. */
  line: string;
  patienceMs: number;
  /** Builds the call from the lines of all that share it. */
  call(lines: string): SaltCall;
  isSearch?: boolean;
}

interface Batch {
  kind: string;
  bytes: number;
  wishes: Map<string, Wish>;
  /** By minion; identical requests share a result. */
  ends: Map<string, { resolve(result: Return): void; reject(error: unknown): void }[]>;
}

export class Batches {
  readonly #master: Master;
  #gathered: Batch[] = [];
  #isPublishing = false;

  constructor(master: Omit<Master, 'running'>) {
    const running = (minion: string): Promise<Return> => this.run({ kind: 'running', minion, line: '', ...searching });
    this.#master = { ...master, running };
  }

  run(wish: Wish): Promise<Return> {
    const batch = this.#batchFor(wish);
    const ends = batch.ends.get(wish.minion) ?? [];
    if (ends.length === 0) batch.bytes += wish.line.length;
    batch.wishes.set(wish.minion, wish);
    batch.ends.set(wish.minion, ends);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  }

  #batchFor({ kind, minion, line }: Wish): Batch {
    const fits = (batch: Batch): boolean =>
      batch.kind === kind &&
      (batch.wishes.has(minion)
        ? batch.wishes.get(minion)?.line === line
        : batch.wishes.size < mostMinions && batch.bytes + line.length <= mostBytes);
    const open = this.#gathered.find(fits);
    if (open) return open;
    const made: Batch = { kind, bytes: 0, wishes: new Map(), ends: new Map() };
    this.#gathered.push(made);
    if (!this.#isPublishing) {
      this.#isPublishing = true;
      setTimeout(() => void this.#sendAll(), gatherMs);
    }
    return made;
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#gathered.shift(); batch; batch = this.#gathered.shift()) {
      const { promise: sent, resolve: onSent } = Promise.withResolvers<void>();
      void this.#sendOne(batch, onSent).finally(onSent);
      await withTimeout(sent, longestPublishMs, () => undefined);
    }
    this.#isPublishing = false;
  }

  async #sendOne({ wishes, ends }: Batch, onSent: () => void): Promise<void> {
    const all = [...wishes.values()];
    const [first] = all;
    if (!first) return;
    const order = {
      minions: [...wishes.keys()],
      call: first.call(all.map(({ line }) => line).join('')),
      patienceMs: Math.max(...all.map(({ patienceMs }) => patienceMs)),
      isSearch: first.isSearch ?? false,
      onSent,
    };
    try {
      await runJob(this.#master, order, (minion, result) => {
        for (const { resolve } of ends.get(minion) ?? []) resolve(result);
      });
    } catch (error) {
      // Calls that already have a result keep it.
      for (const { reject } of [...ends.values()].flat()) reject(error);
    }
  }
}
