// The repository that is none: a package that lies at a path on the target host, read through the host's runner. On a
// local host it is looked for below the host's folder first, then on the machine itself.
import type { Runner, RunnerHost } from '../runner/driver.ts';
import { checkPath } from '../runner/ids.ts';
import type { Files, Reading } from './driver.ts';
import { bounded } from './failures.ts';
import { hostFiles, machineFiles } from './files.ts';

export interface PathPlace {
  runner: Runner;
  host: RunnerHost;
}

/** Lends the files of a host: the first of its places that has anything at a path is asked for all that is below it. */
export function createPathRepository({ dataDir, timeoutMs }: { dataDir: string; timeoutMs: number }) {
  return {
    read<T>({ runner, host }: PathPlace, { signal }: Pick<Reading, 'signal'>, work: (files: Files) => Promise<T>) {
      const onHost = hostFiles(runner, host);
      const places = host.runner === 'local' ? [onHost, machineFiles(dataDir)] : [onHost];
      let found = onHost;
      const files: Files = {
        async stat(path) {
          checkPath('package', path);
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
