// Reads packages of deploys from any source: the source's driver provides the files, which are read once, checked, and
// stored as a canonical tar under the checksum fixed in the plan.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { unavailable } from '../error.ts';
import { checkPath } from '../runner/check-paths.ts';
import { translated } from '../runner/local-files.ts';
import type { Files, RepositoryPlace } from './driver.ts';
import { writeFolder } from './folder.ts';
import { Budget } from './limits.ts';
import { createPathRepository } from './path.ts';
import type { PathPlace } from './path.ts';
import { InvalidPackageError } from './refusal.ts';
import type { Repositories } from './registry.ts';
import type { Package, PackageStore } from './store.ts';

/** A path on a host, or a repository. */
export type PackagePlace = PathPlace | RepositoryPlace;

const isRepository = (place: PackagePlace): place is RepositoryPlace => 'address' in place;

/** For a path on a host; each call of its runner has its own timeout. */
const pathTimeoutMs = 60 * 60_000;

/** The same files, until the signal aborts. */
function until(signal: AbortSignal, files: Files): Files {
  const check = (): void => {
    if (signal.aborted) throw unavailable('package', 'the reading was cancelled');
  };
  return {
    stat: async (path) => {
      check();
      return files.stat(path);
    },
    list: async (path) => {
      check();
      return files.list(path);
    },
    async *content(path, size) {
      for await (const chunk of files.content(path, size)) {
        check();
        yield chunk;
      }
    },
  };
}

async function copy(files: Files, path: string, size: number, target: string, budget: Budget): Promise<string> {
  const hash = createHash('sha256');
  // Checked before the transfer: a declared size beyond the limit need not be downloaded.
  budget.bytes(size, null);
  const handle = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of files.content(path, size)) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** A source's path for drivers, and its name for messages. */
function placed(place: PackagePlace, source: string): { path: string; name: string } {
  if (!isRepository(place)) {
    checkPath('package', source);
    const path = posix.normalize(source).replace(/\/$/, '');
    if (path === '') throw new InvalidPackageError('path', null, 'the root of a host is not a package');
    return { path, name: `${source} on ${place.host.name}` };
  }
  if (source.includes('\0') || source.split('/').includes('..')) {
    throw new InvalidPackageError('path', source, 'not a path inside the repository');
  }
  const path = posix.join('/', source).replace(/(.)\/$/, '$1');
  return { path, name: `${source} in ${place.url}${place.branch === null ? '' : ` (branch ${place.branch})`}` };
}

/** The sharing key of a read; different credentials do not share one. */
function keyOf(place: PackagePlace, path: string): string {
  if (!isRepository(place)) return `read ${place.host.runner} ${place.host.name} ${path}`;
  const { url, branch, credential, encoding } = place;
  return createHash('sha256')
    .update(JSON.stringify([url, branch, credential, path, encoding]))
    .digest('hex');
}

interface PackagesParts {
  dataDir: string;
  store: PackageStore;
  repositories: Repositories;
  /** Folders of hosts that may contain packages given by path. */
  roots: readonly string[];
}

/** Reads and caches packages. */
export class Packages {
  readonly #store: PackageStore;
  readonly #repositories: Repositories;
  readonly #paths: ReturnType<typeof createPathRepository>;

  constructor({ dataDir, store, repositories, roots }: PackagesParts) {
    this.#store = store;
    this.#repositories = repositories;
    this.#paths = createPathRepository({ dataDir, timeoutMs: pathTimeoutMs, roots });
  }

  /**
   * Reads the package and stores it as a canonical tar. Concurrent callers share one read, which is aborted when all have
   * left. Throws InvalidPackageError for permanent failures, ProviderError for an unreachable source.
   */
  async fetch(place: PackagePlace, source: string, signal?: AbortSignal): Promise<Package> {
    const { path, name } = placed(place, source);
    return this.#store.shared(keyOf(place, path), signal, (shared) =>
      translated(
        path,
        this.#open(place, shared, (files) => this.#read(until(shared, files), path, name)),
      ).finally(() => this.#store.sweep()),
    );
  }

  /** The package of this checksum if this machine has it, null otherwise. */
  async find(sha256: string, source: string): Promise<Package | null> {
    return this.#store.find(sha256, posix.basename(source));
  }

  /** Same, in the former package format, for work that began with it. */
  async findFormer(sha256: string, source: string): Promise<Package | null> {
    return this.#store.findFormer(sha256, posix.basename(source));
  }

  /** Runs work that needs a package's tar, which is not evicted meanwhile. */
  using<T>(found: Package, work: () => Promise<T>): Promise<T> {
    return this.#store.using(found, work);
  }

  #open<T>(place: PackagePlace, signal: AbortSignal, work: (files: Files) => Promise<T>): Promise<T> {
    if (!isRepository(place)) return this.#paths.read(place, { signal }, work);
    const { entries, unpackedBytes: bytes } = this.#store.limits;
    return this.#repositories[place.address.scheme].read(place, { signal, entries, bytes }, work);
  }

  async #read(files: Files, path: string, name: string): Promise<Package> {
    const { kind, size } = await files.stat(path);
    if (kind === 'absent') throw new InvalidPackageError('missing', null, `there is no package at ${name}`);
    if (kind === 'other') throw new InvalidPackageError('special', null, `${name} is neither a file nor a folder`);
    const { limits } = this.#store;
    if (kind === 'directory') return this.#store.keepFolder((target) => writeFolder(files, path, target, limits));
    return this.#store.withTemporary(async (temporary) => {
      const sha256 = await copy(files, path, size, temporary, new Budget(Infinity, limits));
      return this.#store.normalise(temporary, posix.basename(path), sha256);
    });
  }
}
