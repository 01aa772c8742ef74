import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { EndedTasks } from './driver.ts';
import { isOfEnded } from './check-paths.ts';
import { forgetJob, stateOf } from './local-jobs.ts';

const dayMs = 86_400_000;

const entriesOf = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  });

/** The job folders of every local host, including hosts deleted from the inventory. */
export async function jobFolders(dataDir: string): Promise<string[]> {
  const hosts = join(resolve(dataDir), 'hosts');
  return (await entriesOf(hosts)).map((host) => join(hosts, host, '.slipway', 'jobs'));
}

/** Deletes ended tasks' jobs that do not run from a host's job folder; returns their number. */
export async function sweepFolder(jobs: string, ended: EndedTasks): Promise<number> {
  let dropped = 0;
  for (const name of await entriesOf(jobs)) {
    const folder = join(jobs, name);
    if (name.startsWith('.')) await dropRemains(folder);
    else if (isOfEnded(name, ended) && stateOf(folder).state !== 'running') {
      await forgetJob(folder);
      dropped += 1;
    }
  }
  return dropped;
}

/** Deletes folders left half-created or half-removed by a dead process. */
async function dropRemains(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found && found.mtimeMs < Date.now() - dayMs) await rm(folder, { recursive: true, force: true });
}
