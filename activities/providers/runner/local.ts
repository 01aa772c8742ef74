// The `local` runner: a host is the folder <data dir>/hosts/<name>/ on the worker's machine. It is a convenience for
// development and the embedded stack, not a sandbox. Jobs run under a launcher of their own (local-job.ts).
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { refused, unavailable } from '../error.ts';
import type { DirectoryEntry, FileStat, HostPlace, Job, JobState, JobView, OutputBlock, RealPath } from './driver.ts';
import type { EndedTasks, PutOptions, Runner, RunnerHost, StreamOffsets, Swept } from './driver.ts';
import { checkHostName, checkJobId, keptName } from './check-paths.ts';
import { below, inside, listFolder, putInto, readPart, realPathIn, statFile, translated } from './local-files.ts';
import { forgetJob, killJob, startJob, stateOf } from './local-jobs.ts';
import type { JobPlace } from './local-jobs.ts';
import { readStream } from './local-output.ts';
import { sweepFolder } from './local-sweep.ts';
import { viewOf } from './output-view.ts';

const provider = 'local';

/** The system's usual folders and that of our own Node, independent of the worker's environment. */
const usualPath = [
  dirname(process.execPath),
  '/usr/local/sbin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
].join(':');

class LocalRunner implements Runner {
  readonly #hosts: string;
  readonly #compiled: string;
  readonly #searchPath: string;

  constructor(dataDir: string, searchPath: string) {
    this.#searchPath = searchPath;
    this.#hosts = join(resolve(dataDir), 'hosts');
    this.#compiled = join(resolve(dataDir), 'compiled');
  }

  #rootOf(host: RunnerHost): string {
    checkHostName(provider, host.name);
    return join(this.#hosts, host.name);
  }

  async #present(host: RunnerHost): Promise<string> {
    const root = this.#rootOf(host);
    const stats = await stat(root).catch(() => null);
    if (!stats?.isDirectory()) {
      throw unavailable(provider, `the local host ${host.name} has no folder on this machine`);
    }
    return root;
  }

  async #jobPlace(host: RunnerHost, jobId: string): Promise<JobPlace> {
    checkJobId(provider, jobId);
    const root = await this.#present(host);
    const folder = join(root, '.slipway', 'jobs', jobId);
    return { root, folder, searchPath: this.#searchPath, compiled: this.#compiled };
  }

  async #jobFolder(host: RunnerHost, jobId: string): Promise<string> {
    return (await this.#jobPlace(host, jobId)).folder;
  }

  async #existing(host: RunnerHost, path: string): Promise<string> {
    const real = await inside(await this.#present(host), path);
    if (real === null) throw refused(provider, `${path} does not exist on ${host.name}`);
    return real;
  }

  path(host: RunnerHost, path: string): string {
    return below(this.#rootOf(host), path);
  }

  async prepare(host: RunnerHost): Promise<void> {
    const root = this.#rootOf(host);
    await translated(this.#hosts, mkdir(root, { recursive: true }));
    // Independent of the umask: users of steps traverse these folders.
    await translated(this.#hosts, chmod(this.#hosts, 0o711));
    await translated(root, chmod(root, 0o755));
  }

  async ping(host: RunnerHost): Promise<void> {
    await this.#present(host);
  }

  async start(host: RunnerHost, job: Job): Promise<void> {
    await translated(`job ${job.id}`, startJob(await this.#jobPlace(host, job.id), job));
  }

  async state(host: RunnerHost, jobId: string): Promise<JobState> {
    return stateOf(await this.#jobFolder(host, jobId));
  }

  async run(host: RunnerHost, job: Job, from: StreamOffsets): Promise<JobView> {
    await this.start(host, job);
    return this.look(host, job.id, from);
  }

  look(host: RunnerHost, jobId: string, from: StreamOffsets): Promise<JobView> {
    return viewOf(this, host, jobId, from);
  }

  async output(host: RunnerHost, jobId: string, stream: 'stdout' | 'stderr', offset: number, limit: number) {
    const folder = await this.#jobFolder(host, jobId);
    return translated(`${stream} of job ${jobId}`, readStream(folder, stream, offset, limit));
  }

  async kill(host: RunnerHost, jobId: string, graceMs: number): Promise<void> {
    await translated(`job ${jobId}`, killJob(await this.#jobPlace(host, jobId), graceMs));
  }

  async forget(host: RunnerHost, jobId: string): Promise<void> {
    const folder = await this.#jobFolder(host, jobId);
    await translated(`job ${jobId}`, forgetJob(folder));
  }

  async sweep(host: RunnerHost, ended: EndedTasks): Promise<Swept> {
    const jobs = join(await this.#present(host), '.slipway', 'jobs');
    return { dropped: await translated(`jobs of ${host.name}`, sweepFolder(jobs, ended)), more: false };
  }

  async stat(host: RunnerHost, path: string): Promise<FileStat> {
    return translated(path, statFile(await inside(await this.#present(host), path)));
  }

  async realPaths(host: RunnerHost, paths: readonly string[]): Promise<RealPath[]> {
    const root = await this.#present(host);
    return Promise.all(paths.map((path) => translated(path, realPathIn(root, path))));
  }

  async list(host: RunnerHost, path: string): Promise<DirectoryEntry[]> {
    return translated(path, listFolder(await this.#existing(host, path)));
  }

  async readBlock(host: RunnerHost, path: string, offset: number, length: number): Promise<OutputBlock> {
    return translated(path, readPart(await this.#existing(host, path), offset, length));
  }

  async putFile(host: RunnerHost, place: HostPlace, source: string, options: PutOptions): Promise<void> {
    const path = typeof place === 'string' ? place : `/.slipway/steps/${keptName(provider, place)}`;
    await translated(path, putInto(await this.#present(host), path, source, options));
  }
}

/**
 * Creates the `local` driver; `searchPath` is the PATH of its jobs. Several, in any process of this machine, may share a
 * data folder.
 */
export function createLocalRunner({
  dataDir,
  searchPath = usualPath,
}: {
  dataDir: string;
  searchPath?: string;
}): Runner {
  return new LocalRunner(dataDir, searchPath);
}
