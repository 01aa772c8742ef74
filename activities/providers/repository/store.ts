// Cache of packages as canonical tars under <data dir>/packages/, keyed by the SHA-256 of the source. A tar is valid once
// its record exists; both appear by rename, so workers may share the folder. The source is deleted once its tar exists. A
// tar's mtime is its last use, by which sweep.ts evicts.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { raceAbort } from '../../../kit/abort.ts';
import type { PackageNote } from '../../../workflows/deploy/contract.ts';
import { unavailable } from '../error.ts';
import { packageLimits } from './limits.ts';
import type { PackageLimits } from './limits.ts';
import { formatOf, writeCanonical } from './package.ts';
import { sweepPackages } from './sweep.ts';

/** A package as hosts receive it. */
export interface Package {
  /** Of the source: a file, or a folder's sorted manifest. Fixed in the plan. */
  sha256: string;
  tarSha256: string;
  /** On this machine. */
  tarPath: string;
  /** Bytes of the source. */
  size: number;
  entries: number;
  /** Decisions made while reading, if any. */
  notes?: PackageNote[];
}

type Made = Omit<Package, 'sha256' | 'tarPath'>;

/** Version of the canonical form; a change invalidates the cache, as the tars differ. */
const formVersion = 2;

const shortHash = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/** A plain file's tar contains its name, so the name is part of the key. */
const nameKey = (name: string): string => (formatOf(name) === 'plain' ? `-${shortHash(posix.basename(name), 12)}` : '');

interface Sharing {
  waiting: number;
  over: AbortController;
  result?: Promise<unknown>;
}

export class PackageStore {
  readonly #dataDir: string;
  readonly #folder: string;
  readonly #mostBytes: number;
  readonly #limits: PackageLimits;
  readonly #form: string;
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #sharings = new Map<string, Sharing>();
  readonly #inUse = new Map<string, number>();

  /** `mostBytes` is the size that `sweep` leaves. */
  constructor(dataDir: string, limits: PackageLimits = packageLimits, mostBytes = Infinity) {
    this.#dataDir = dataDir;
    this.#mostBytes = mostBytes;
    this.#folder = join(resolve(dataDir), 'packages');
    this.#limits = limits;
    // A change of the rules invalidates the cache.
    this.#form = `-${shortHash(JSON.stringify([formVersion, limits.linkTargets]), 8)}`;
  }

  get limits(): PackageLimits {
    return this.#limits;
  }

  /** Like `once`, for abortable work: its signal aborts when the last caller has left. */
  async shared<T>(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const present = this.#sharings.get(key);
    const sharing = present ?? { waiting: 0, over: new AbortController() };
    if (!present) this.#sharings.set(key, sharing);
    sharing.waiting += 1;
    const leave = (): void => {
      sharing.waiting -= 1;
      if (sharing.waiting > 0) return;
      if (this.#sharings.get(key) === sharing) this.#sharings.delete(key);
      sharing.over.abort();
    };
    // A new caller may arrive while aborted work still ends: it starts the work again.
    const result = (sharing.result ??= work(sharing.over.signal)) as Promise<T>;
    const left = (): never => {
      throw unavailable('package', 'the reading was cancelled');
    };
    return (signal ? raceAbort(result, signal, left) : result).finally(leave);
  }

  /** Runs `work` once for all concurrent callers of `key`. */
  async once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key) as Promise<T> | undefined;
    if (running) return running;
    const mine = work().finally(() => this.#running.delete(key));
    this.#running.set(key, mine);
    return mine;
  }

  /** Provides a temporary path in the store; leftovers are removed after `work`. */
  async withTemporary<T>(work: (path: string) => Promise<T>): Promise<T> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `.${randomUUID()}`);
    try {
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async #record(key: string, sha256: string): Promise<Package | null> {
    const tarPath = join(this.#folder, `${key}.tar`);
    try {
      const made = JSON.parse(await readFile(join(this.#folder, `${key}.json`), 'utf8')) as Made;
      const now = new Date();
      await utimes(tarPath, now, now);
      return { sha256, tarPath, ...made };
    } catch {
      return null;
    }
  }

  /** The cached package of this checksum; `name` is the last part of its source. */
  async find(sha256: string, name: string): Promise<Package | null> {
    const base = sha256 + this.#form;
    return (await this.#record(base + nameKey(name), sha256)) ?? (await this.#record(base, sha256));
  }

  /** Same, in the former format, for work that began with it. */
  async findFormer(sha256: string, name: string): Promise<Package | null> {
    return (await this.#record(sha256 + nameKey(name), sha256)) ?? (await this.#record(sha256, sha256));
  }

  /** Runs work that needs the tar, which `sweep` keeps meanwhile. */
  async using<T>({ tarPath }: Package, work: () => Promise<T>): Promise<T> {
    this.#inUse.set(tarPath, (this.#inUse.get(tarPath) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#inUse.get(tarPath) ?? 1) - 1;
      if (left > 0) this.#inUse.set(tarPath, left);
      else this.#inUse.delete(tarPath);
    }
  }

  /** Evicts the least recently used beyond the size; failures to delete are left to the next sweep. */
  async sweep(): Promise<void> {
    const isInUse = (path: string): boolean => this.#inUse.has(path);
    const what = { dataDir: this.#dataDir, packages: this.#folder, mostBytes: this.#mostBytes, isInUse };
    await this.once('sweep', () => sweepPackages(what)).catch(() => undefined);
  }

  /** Moves a finished tar from `temporary` into the store. */
  async #keep(key: string, sha256: string, temporary: string, made: Made): Promise<Package> {
    const tarPath = join(this.#folder, `${key}.tar`);
    await rename(temporary, tarPath);
    await this.withTemporary(async (record) => {
      await writeFile(record, JSON.stringify(made), { mode: 0o600, flush: true });
      await rename(record, join(this.#folder, `${key}.json`));
    });
    return { sha256, tarPath, ...made };
  }

  /** Stores a folder's tar, which `write` creates at the given path. */
  async keepFolder(write: (path: string) => Promise<Made & { sha256: string }>): Promise<Package> {
    return this.withTemporary(async (temporary) => {
      const { sha256, ...made } = await write(temporary);
      return this.#keep(sha256 + this.#form, sha256, temporary, made);
    });
  }

  /** Turns a package file (of this checksum) into its canonical tar, unless that is there already. */
  async normalise(file: string, name: string, sha256: string): Promise<Package> {
    const key = sha256 + this.#form + nameKey(name);
    return this.once(`tar ${key}`, async () => {
      const present = await this.#record(key, sha256);
      if (present) return present;
      const { size } = await stat(file);
      return this.withTemporary(async (temporary) => {
        const made = await writeCanonical(file, name, temporary, this.#limits);
        return this.#keep(key, sha256, temporary, { ...made, size });
      });
    });
  }
}
