import type { LogSource } from './source.ts';

/** Most bytes that one answer in lines holds. */
export const mostContent = 1024 * 1024;
/** Most bytes that are looked at to find lines. */
export const mostScanned = 256 * 1024 * 1024;

const firstBlock = 64 * 1024;
const largestBlock = 1024 * 1024;

/** The lines are further away than is looked for them. */
export class ScanLimitError extends Error {}

/** A file read on and on in growing blocks, up to a limit in all and to a time (ms since 1970). */
export class Scan {
  readonly size: number;
  readonly #source: LogSource;
  readonly #limit: number;
  readonly #until: number;
  #scanned = 0;
  #block = firstBlock;

  constructor(source: LogSource, { limit = mostScanned, until = Infinity } = {}) {
    this.#source = source;
    this.#limit = limit;
    this.#until = until;
    this.size = source.size;
  }

  /** The next block from `from` on; not empty, so `from` is not the end. */
  async forward(from: number, most = largestBlock): Promise<Buffer> {
    const length = this.#next(Math.min(most, this.size - from));
    return this.#source.read(from, from + length);
  }

  /** The block that ends at `to`; not empty, so `to` is not the beginning. */
  async backward(to: number, most = largestBlock): Promise<Buffer> {
    const length = this.#next(Math.min(most, to));
    return this.#source.read(to - length, to);
  }

  #next(wanted: number): number {
    const length = Math.min(wanted, this.#block, this.#limit - this.#scanned);
    if (length <= 0 || Date.now() > this.#until) throw new ScanLimitError();
    this.#scanned += length;
    this.#block = Math.min(this.#block * 2, largestBlock);
    return length;
  }
}
