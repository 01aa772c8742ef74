// GIT: fetches the newest commit of a branch, without history, into a bare repository, and reads the files from there.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KeyedSemaphore } from '../../../../kit/limit.ts';
import { hostAndPort, isBranchName } from '../../../../kit/repository-address.ts';
import { refused, unavailable } from '../../error.ts';
import type { Destinations } from '../destinations.ts';
import type { Repository, RepositoryPlace } from '../driver.ts';
import { bounded } from '../failures.ts';
import { InvalidPackageError } from '../refusal.ts';
import { withAccess } from './access.ts';
import type { GitAccess, Trust } from './access.ts';
import { fetchFailure, isDamaged } from './errors.ts';
import { GitObjects } from './objects.ts';
import { runGit } from './program.ts';
import { TreeFiles } from './tree-files.ts';

interface GitOptions {
  dataDir: string;
  destinations: Destinations;
  trust: Trust;
  /** Timeout of a whole read. */
  timeoutMs: number;
}

const provider = 'git';
const ref = 'refs/slipway/head';
const lookEveryMs = 500;

/** The cached copies of repositories; each may be deleted at any time. */
export const gitFolder = (dataDir: string): string => join(resolve(dataDir), 'repositories');

const copyOf = (folder: string, { url, branch }: RepositoryPlace): string =>
  join(
    folder,
    `${createHash('sha256')
      .update(`${url}\n${branch ?? ''}`)
      .digest('hex')
      .slice(0, 40)}.git`,
  );

/** Bytes of a repository's packs, including those being received. */
async function packedBytes(repository: string): Promise<number> {
  const packs = join(repository, 'objects', 'pack');
  const names = await readdir(packs).catch((): string[] => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(packs, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((total, size) => total + size, 0);
}

interface Fetching {
  repository: string;
  place: RepositoryPlace;
  access: GitAccess;
  signal: AbortSignal;
  mostBytes: number;
}

async function fetchOnce({ repository, place, access, signal, mostBytes }: Fetching): Promise<string | null> {
  if (!existsSync(join(repository, 'HEAD'))) {
    const made = await runGit({ repository, args: ['init', '--quiet', '--bare', '--template='], signal });
    if (made.code !== 0) return `${made.stderr}\nslipway: no copy`;
  }
  const tooMuch = new AbortController();
  const before = await packedBytes(repository);
  const watch = setInterval(() => {
    void packedBytes(repository).then((now) => {
      if (now - before > mostBytes) tooMuch.abort();
    });
  }, lookEveryMs);
  const options = ['--quiet', '--depth=1', '--force', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];
  const { code, stderr } = await runGit({
    repository,
    settings: access.settings,
    env: access.env,
    args: ['fetch', ...options, '--', access.url, `refs/heads/${place.branch ?? ''}:${ref}`],
    signal: AbortSignal.any([signal, tooMuch.signal]),
  }).finally(() => clearInterval(watch));
  if (tooMuch.signal.aborted)
    throw new InvalidPackageError('size', null, `the repository has more than ${mostBytes} bytes`);
  return code === 0 ? null : stderr;
}

/** Updates the copy and returns the branch's commit; recreates a damaged copy. */
async function fetchBranch(fetching: Fetching): Promise<string> {
  const { repository, place, signal } = fetching;
  let stderr = await fetchOnce(fetching);
  if (stderr !== null && isDamaged(stderr)) {
    await rm(repository, { recursive: true, force: true });
    stderr = await fetchOnce(fetching);
  }
  if (stderr !== null) throw fetchFailure(hostAndPort(place.address), place.branch ?? '', stderr);
  const now = new Date();
  await utimes(repository, now, now);
  const { stdout } = await runGit({
    repository,
    args: ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`],
    signal,
  });
  if (!/^[0-9a-f]{40}$/.test(stdout.trim())) throw unavailable(provider, 'the branch could not be read');
  return stdout.trim();
}

/** Creates the driver of GIT over https, http and ssh. */
export function createGitRepository({ dataDir, destinations, trust, timeoutMs }: GitOptions): Repository {
  const parent = gitFolder(dataDir);
  /** One fetch of a copy at a time. */
  const copies = new KeyedSemaphore(1);
  return {
    async read(place, { signal, entries, bytes }, work) {
      if (place.branch === null || !isBranchName(place.branch)) throw refused(provider, 'this is no name of a branch');
      const ip = await destinations(provider, place.address);
      await mkdir(parent, { recursive: true, mode: 0o700 });
      const over = new AbortController();
      const repository = copyOf(parent, place);
      return bounded(provider, { signal, timeoutMs, end: () => over.abort() }, async () => {
        const commit = await withAccess(place, { ip, trust, parent }, (access) =>
          copies.take(repository, () =>
            fetchBranch({ repository, place, access, signal: over.signal, mostBytes: bytes }),
          ),
        );
        const objects = new GitObjects(repository, over.signal);
        try {
          return await work(new TreeFiles(objects, commit, entries));
        } finally {
          objects.close();
        }
      });
    },
  };
}
