// Packages that are already on the target host, by path; no repository involved. Read through the host's runner; for a local
// host below its folder first, then on the machine itself. Links are resolved once, and the real path must lie below a
// package root.
import { realpath } from 'node:fs/promises';
import { isBelow } from '../../../kit/host-rules.ts';
import { isFolder } from '../../../workflows/hosts/contract.ts';
import type { RealPath, Runner, RunnerHost } from '../runner/driver.ts';
import { checkPath } from '../runner/check-paths.ts';
import type { Files, Reading } from './driver.ts';
import { bounded } from './failures.ts';
import { hostFiles, machineFiles } from './files.ts';
import { InvalidPackageError } from './refusal.ts';

export interface PathPlace {
  runner: Runner;
  host: RunnerHost;
}

/** Resolves paths to their real ones. */
type Resolve = (paths: readonly string[]) => Promise<RealPath[]>;

const onMachine: Resolve = (paths) =>
  Promise.all(
    paths.map((path) =>
      realpath(path).then(
        (real): RealPath => ({ kind: 'path', path: real }),
        (): RealPath => ({ kind: 'absent' }),
      ),
    ),
  );

/** The same files, confined to the package's real path. */
function confined(files: Files, resolve: Resolve, roots: readonly string[]): Files {
  let at = { path: '', real: '' };
  const real = (path: string): string => `${at.real}${path.slice(at.path.length)}`;
  return {
    async stat(path) {
      const [found, ...realRoots] = await resolve([path, ...roots]);
      if (found?.kind === 'absent') return { kind: 'absent', size: 0 };
      const allowed = realRoots.flatMap((root) => (root.kind === 'path' ? [root.path] : []));
      if (found?.kind !== 'path' || !isBelow(found.path, allowed)) throw outside(path, roots);
      at = { path, real: found.path };
      return files.stat(found.path);
    },
    list: (path) => files.list(real(path)),
    content: (path, size) => files.content(real(path), size),
  };
}

const outside = (path: string, roots: readonly string[]): InvalidPackageError =>
  new InvalidPackageError('path', null, `${path} leads out of ${roots.join(', ')}, where packages lie on a host`);

/** Provides a host's files: the first place that has the path serves everything below it. */
export function createPathRepository(of: { dataDir: string; timeoutMs: number; roots: readonly string[] }) {
  const { dataDir, timeoutMs, roots } = of;
  return {
    read<T>({ runner, host }: PathPlace, { signal }: Pick<Reading, 'signal'>, work: (files: Files) => Promise<T>) {
      const onHost = confined(hostFiles(runner, host), (paths) => runner.realPaths(host, paths), roots);
      const places = isFolder(host.runner) ? [onHost, confined(machineFiles(dataDir), onMachine, roots)] : [onHost];
      let found = onHost;
      const files: Files = {
        async stat(path) {
          checkPath('package', path);
          // Does not reveal whether a path exists elsewhere.
          if (!isBelow(path, roots)) throw outside(path, roots);
          for (const one of places) {
            const seen = await one.stat(path);
            found = one;
            if (seen.kind !== 'absent') return seen;
          }
          return { kind: 'absent', size: 0 };
        },
        list: (path) => found.list(path),
        content: (path, size) => found.content(path, size),
      };
      return bounded('package', { signal, timeoutMs, end: () => undefined }, () => work(files));
    },
  };
}
