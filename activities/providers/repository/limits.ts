// What a package may hold. A small archive can unpack to anything, so what comes out is counted while it comes, and
// nothing is believed that the archive says of itself.
import { InvalidPackageError } from './refusal.ts';

const mib = 1024 * 1024;

export const packageLimits = {
  /** Bytes, unpacked; a plain file or folder likewise. */
  unpackedBytes: 4096 * mib,
  entries: 200_000,
  /** Unpacked bytes per packed one, looked at only beyond `ratioFromBytes`: small texts may shrink a lot. */
  ratio: 200,
  ratioFromBytes: 100 * mib,
  /** Of a path, in bytes. */
  pathBytes: 4096,
  /** Of one name in a path, in bytes: what file systems take. */
  nameBytes: 255,
  /** Folders that absolute links may lead into: what a host has by itself, such as the interpreter of a virtual environment. */
  linkTargets: ['/usr'],
} as const;

type Widened<T> = T extends number ? number : readonly string[];
export type PackageLimits = { readonly [name in keyof typeof packageLimits]: Widened<(typeof packageLimits)[name]> };

/** Counts what comes out of a package of `packedBytes`; throws InvalidPackageError when it is too much. */
export class Budget {
  readonly #limits: PackageLimits;
  readonly #packedBytes: number;
  #bytes = 0;
  #entries = 0;

  constructor(packedBytes: number, limits: PackageLimits = packageLimits) {
    this.#packedBytes = packedBytes;
    this.#limits = limits;
  }

  /** Counts bytes that belong to `entry` (null: to none). */
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
