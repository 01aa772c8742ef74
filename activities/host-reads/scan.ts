import type { LogSource } from './source.ts';

/** Largest result in lines, in bytes. */
export const mostContent = 1024 * 1024;
/** Most bytes scanned for lines. */
const mostScanned = 256 * 1024 * 1024;

const firstBlock = 64 * 1024;
const largestBlock = 1024 * 1024;

/** The lines lie beyond the scan limit. */
export class ScanLimitError extends Error {}

/** Reads a file in growing blocks, up to a total limit and a deadline (ms since 1970). */
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

  /** The next block from `from` on. `from` is before the end, so the block is not empty. */
  async forward(from: number, most = largestBlock): Promise<Buffer> {
    const length = this.#next(Math.min(most, this.size - from));
    return this.#source.read(from, from + length);
  }

  /** The block that ends at `to`. `to` is after the beginning, so the block is not empty. */
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
