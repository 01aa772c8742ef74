// Limits of packages. A small archive can unpack to anything, so unpacked data is counted as it streams, whatever sizes the
// archive declares.
import { InvalidPackageError } from './refusal.ts';

const mib = 1024 * 1024;

export const packageLimits = {
  /** Unpacked bytes; also for a plain file or folder. */
  unpackedBytes: 4096 * mib,
  entries: 200_000,
  /** Unpacked per packed byte, checked only beyond `ratioFromBytes`: small texts may compress well. */
  ratio: 200,
  ratioFromBytes: 100 * mib,
  /** Bytes per path. */
  pathBytes: 4096,
  /** Bytes per name: the limit of file systems. */
  nameBytes: 255,
  /** Folders that absolute links may lead into: part of every host, e.g. the interpreter of a virtual environment. */
  linkTargets: ['/usr'],
} as const;

type Widened<T> = T extends number ? number : readonly string[];
export type PackageLimits = { readonly [name in keyof typeof packageLimits]: Widened<(typeof packageLimits)[name]> };

/** Counts unpacked data of a package of `packedBytes`; throws InvalidPackageError beyond the limits. */
export class Budget {
  readonly #limits: PackageLimits;
  readonly #packedBytes: number;
  #bytes = 0;
  #entries = 0;

  constructor(packedBytes: number, limits: PackageLimits = packageLimits) {
    this.#packedBytes = packedBytes;
    this.#limits = limits;
  }

  /** Counts bytes of `entry` (null: of no entry). */
  bytes(count: number, entry: string | null): void {
    this.#bytes += count;
    const { unpackedBytes, ratio, ratioFromBytes } = this.#limits;
    if (this.#bytes > unpackedBytes)
      throw new InvalidPackageError('size', entry, `more than ${unpackedBytes} bytes unpacked`);
    if (this.#bytes > ratioFromBytes && this.#bytes > ratio * this.#packedBytes) {
      throw new InvalidPackageError('size', entry, `unpacks to more than ${ratio} times its size`);
    }
  }

  entry(name: string): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) {
      throw new InvalidPackageError('size', name, `more than ${this.#limits.entries} entries`);
    }
  }
}
