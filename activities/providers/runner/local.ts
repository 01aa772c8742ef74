// The `local` runner: a host is the folder <data dir>/hosts/<name>/ on the worker's machine. It is a convenience for
// development and the embedded stack, not a sandbox. Jobs run under a launcher of their own (local-job.ts).
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { refused, unavailable } from '../error.ts';
import type { JobState, OutputBlock, Runner, RunnerHost } from './driver.ts';
import { checkHostName, checkJobId } from './ids.ts';
import { fileError, below, inside, listFolder, putInto, readPart, statFile } from './local-files.ts';
import { files } from './local-folder.ts';
import { killJob, startJob, stateOf } from './local-jobs.ts';

const provider = 'local';

/** Makes the `local` driver; any number of them, in any process of this machine, may share one data folder. */
export function createLocalRunner({ dataDir }: { dataDir: string }): Runner {
  const hosts = join(resolve(dataDir), 'hosts');

  function rootOf(host: RunnerHost): string {
    checkHostName(provider, host.name);
    return join(hosts, host.name);
  }

  async function present(host: RunnerHost): Promise<string> {
    const root = rootOf(host);
    const isThere = await stat(root).then((stats) => stats.isDirectory()).catch(() => false); // prettier-ignore
    if (!isThere) throw unavailable(provider, `the local host ${host.name} has no folder on this machine`);
    return root;
  }

  async function folderOf(host: RunnerHost, jobId: string): Promise<string> {
    checkJobId(provider, jobId);
    return join(await present(host), '.slipway', 'jobs', jobId);
  }

  async function existing(host: RunnerHost, path: string): Promise<string> {
    const real = await inside(await present(host), path);
    if (real === null) throw refused(provider, `${path} does not exist on ${host.name}`);
    return real;
  }

  async function state(host: RunnerHost, jobId: string): Promise<JobState> {
    return stateOf(await folderOf(host, jobId));
  }

  async function output(
    host: RunnerHost,
    jobId: string,
    stream: 'stdout' | 'stderr',
    offset: number,
    limit: number,
  ): Promise<OutputBlock> {
    // prettier-ignore
    const file = join(await folderOf(host, jobId), files[stream]);
    return readPart(file, offset, limit).catch((error: unknown) => {
      throw fileError(error, `${stream} of job ${jobId}`);
    });
  }

  async function forget(host: RunnerHost, jobId: string): Promise<void> {
    const folder = await folderOf(host, jobId);
    const { state } = stateOf(folder);
    if (state === 'running') throw refused(provider, `the job ${jobId} still runs`);
    const away = join(folder, '..', `.forgotten-${jobId}-${process.pid}`);
    await rename(folder, away).catch(() => undefined);
    await rm(away, { recursive: true, force: true });
  }

  return {
    path: (host, path) => below(rootOf(host), path),
    prepare: async (host) => {
      const root = rootOf(host);
      await mkdir(root, { recursive: true }).catch((error: unknown) => {
        throw fileError(error, root);
      });
    },
    ping: async (host) => void (await present(host)),
    start: async (host, job) => startJob(await present(host), await folderOf(host, job.id), job),
    state,
    output,
    kill: async (host, jobId, graceMs) => killJob(await folderOf(host, jobId), graceMs),
    forget,
    stat: async (host, path) => statFile(await inside(await present(host), path)),
    list: async (host, path) =>
      listFolder(await existing(host, path)).catch((error: unknown) => {
        throw fileError(error, path);
      }),
    readBlock: async (host, path, offset, length) => readPart(await existing(host, path), offset, length),
    putFile: async (host, path, source, options) =>
      putInto(await present(host), path, source, options).catch((error: unknown) => {
        throw fileError(error, path);
      }),
  };
}
