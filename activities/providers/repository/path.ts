// The repository that is none: a package that lies at a path on the target host. It is read through the host's runner,
// never whole in memory. On a local host it is looked for below the host's folder first, then on the machine itself.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Runner, RunnerHost } from '../runner/driver.ts';
import { checkPath } from '../runner/ids.ts';
import { translated } from '../runner/local-files.ts';
import { hostFiles, machineFiles } from './files.ts';
import type { Files } from './files.ts';
import { contentOf, writeFolder } from './folder.ts';
import { Budget } from './limits.ts';
import { PackageRefused } from './refusal.ts';
import { PackageStore } from './store.ts';
import type { Package } from './store.ts';

async function copy(files: Files, path: string, size: number, target: string, budget: Budget): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of contentOf(files, path, size)) {
      budget.bytes(chunk.length, null);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** Reads packages from paths on hosts; keeps what it has read under `dataDir`. */
export class PathPackages {
  readonly #dataDir: string;
  readonly #store: PackageStore;

  constructor(dataDir: string, store: PackageStore = new PackageStore(dataDir)) {
    this.#dataDir = dataDir;
    this.#store = store;
  }

  async #locate(runner: Runner, host: RunnerHost, path: string) {
    const places = [hostFiles(runner, host)];
    if (host.runner === 'local') places.push(machineFiles(this.#dataDir));
    for (const files of places) {
      const { kind, size } = await files.stat(path);
      if (kind === 'other') throw new PackageRefused('special', null, `${path} is neither a file nor a folder`);
      if (kind !== 'absent') return { files, kind, size };
    }
    throw new PackageRefused('missing', null, `there is no package at ${path} on ${host.name}`);
  }

  async #read(runner: Runner, host: RunnerHost, path: string): Promise<Package> {
    const { files, kind, size } = await this.#locate(runner, host, path);
    const { limits } = this.#store;
    if (kind === 'directory') return this.#store.keepFolder((target) => writeFolder(files, path, target, limits));
    return this.#store.withTemporary(async (temporary) => {
      const sha256 = await copy(files, path, size, temporary, new Budget(Infinity, limits));
      return this.#store.normalise(temporary, posix.basename(path), sha256);
    });
  }

  /**
   * Reads the package at `path` on the host and keeps it as a canonical tar; callers at the same time share one reading.
   * Throws PackageRefused for what will never do, ProviderError for a host out of reach.
   */
  async fetch(runner: Runner, host: RunnerHost, path: string): Promise<Package> {
    checkPath('package', path);
    const clean = posix.normalize(path).replace(/\/$/, '');
    if (clean === '') throw new PackageRefused('path', null, 'the root of a host is not a package');
    const key = `read ${host.runner} ${host.name} ${clean}`;
    return this.#store.once(key, () => translated(path, this.#read(runner, host, clean)));
  }

  /** The package of this checksum if this machine has read it before, null otherwise. */
  async find(sha256: string, path: string): Promise<Package | null> {
    return this.#store.find(sha256, posix.basename(path));
  }
}
