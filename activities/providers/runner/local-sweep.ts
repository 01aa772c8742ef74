import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { forgetJob, stateOf } from './local-jobs.ts';

/** A job whose folder is kept on a local host of this machine. */
export interface KeptJob {
  id: string;
  folder: string;
}

const entriesOf = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  });

async function jobFolders(dataDir: string): Promise<string[]> {
  const hosts = join(resolve(dataDir), 'hosts');
  return (await entriesOf(hosts)).map((host) => join(hosts, host, '.slipway', 'jobs'));
}

/** Every job of every local host, those of hosts that the inventory has no more included. */
export async function keptJobs(dataDir: string): Promise<KeptJob[]> {
  const kept: KeptJob[] = [];
  for (const jobs of await jobFolders(dataDir))
    for (const id of await entriesOf(jobs)) if (!id.startsWith('.')) kept.push({ id, folder: join(jobs, id) });
  return kept;
}

/** Drops a job unless it still runs. */
export async function dropJob({ folder }: KeptJob): Promise<void> {
  if (stateOf(folder).state !== 'running') await forgetJob(folder);
}

/** Drops folders that were being made or removed when their process died, once they are older than `before`. */
export async function dropRemains(dataDir: string, before: Date): Promise<void> {
  for (const jobs of await jobFolders(dataDir))
    for (const name of await entriesOf(jobs)) {
      if (!name.startsWith('.')) continue;
      const found = await stat(join(jobs, name)).catch(() => null);
      if (found && found.mtime < before) await rm(join(jobs, name), { recursive: true, force: true });
    }
}
