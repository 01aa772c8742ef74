// An in-memory runner for tests and benchmarks, with the same contract and no processes. Behaviours script the jobs; a world
// outlives its drivers, as hosts outlive workers.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { refused, HostUnreachableError } from '../error.ts';
import type { ProviderError } from '../error.ts';
import type { DirectoryEntry, FileStat, HostPlace, Job, JobState, JobView, OutputBlock, RealPath } from './driver.ts';
import type { EndedTasks, PutOptions, Runner, RunnerHost, StreamOffsets, Swept } from './driver.ts';
import {
  checkEnvironment,
  checkHostName,
  checkJobId,
  checkPath,
  ensureWanted,
  isOfEnded,
  keptName,
} from './check-paths.ts';
import { MemoryStream } from './memory-stream.ts';
import { chosen, keptBytes, viewOf } from './output-view.ts';

const provider = 'memory';

/** Controls a running job, which runs until `exit`. */
interface JobControl {
  job: Job;
  host: string;
  files: Map<string, MemoryFile>;
  stdout(text: string): void;
  stderr(text: string): void;
  exit(code: number): void;
}

/** Simulates a job: it may exit at once, later, or never (until killed). */
export type Behaviour = (control: JobControl) => void;

interface MemoryFile {
  data: Buffer;
  mode: number;
}

interface MemoryJob {
  state: JobState;
  stdout: MemoryStream;
  stderr: MemoryStream;
}

interface MemoryHost {
  files: Map<string, MemoryFile>;
  folders: Set<string>;
  jobs: Map<string, MemoryJob>;
}

/** Hosts, files, jobs and their behaviour, and the number of calls per method. */
export interface MemoryWorld {
  hosts: Map<string, MemoryHost>;
  behaviour: Behaviour;
  /** Calls by method name. */
  calls: Partial<Record<keyof Runner, number>>;
  /** Runs of a behaviour, by job id. */
  runs: Map<string, number>;
  /** Thrown by calls while set, simulating an unreachable host; decides per method and host. */
  failure: ((method: keyof Runner, host: string) => ProviderError | undefined) | null;
}

/** Creates a world without hosts in which every job exits with 0 at once. */
export function createMemoryWorld(behaviour: Behaviour = ({ exit }) => exit(0)): MemoryWorld {
  return { hosts: new Map(), behaviour, calls: {}, runs: new Map(), failure: null };
}

function play(world: MemoryWorld, host: string, files: Map<string, MemoryFile>, job: Job): MemoryJob {
  const entry: MemoryJob = {
    state: { state: 'running', exitCode: null, signal: null, notes: [] },
    stdout: new MemoryStream(keptBytes(job)),
    stderr: new MemoryStream(keptBytes(job)),
  };
  const write = (stream: 'stdout' | 'stderr', text: string): void => {
    if (entry.state.state === 'running') entry[stream].write(Buffer.from(text));
  };
  const exit = (exitCode: number): void => {
    if (entry.state.state === 'running') entry.state = { ...entry.state, state: 'exited', exitCode };
  };
  world.runs.set(job.id, (world.runs.get(job.id) ?? 0) + 1);
  world.behaviour({ job, host, files, stdout: (t) => write('stdout', t), stderr: (t) => write('stderr', t), exit });
  return entry;
}

function part(data: Buffer, offset: number, length: number): OutputBlock {
  return { data: Buffer.from(data.subarray(offset, offset + length)), size: data.length };
}

function pathOn(path: string): string {
  checkPath(provider, path);
  return posix.normalize(path).replace(/(.)\/$/, '$1');
}

function prefixOf(folder: string): string {
  return folder === '/' ? '/' : `${folder}/`;
}

function statIn({ files, folders }: MemoryHost, path: string): FileStat {
  const name = pathOn(path);
  const file = files.get(name);
  if (file) return { kind: 'file', size: file.data.length };
  const hasEntries = [...files.keys(), ...folders].some((other) => other.startsWith(prefixOf(name)));
  return { kind: folders.has(name) || hasEntries ? 'directory' : 'absent', size: 0 };
}

function listIn(host: MemoryHost, path: string): DirectoryEntry[] {
  if (statIn(host, path).kind !== 'directory') throw refused(provider, `${path} is not a folder`);
  const below = prefixOf(pathOn(path));
  const inFolder = [...host.files.keys(), ...host.folders].filter((name) => name.startsWith(below) && name !== below);
  const names = [...new Set(inFolder.map((name) => name.slice(below.length).split('/')[0] ?? ''))].sort();
  return names.map((name) => {
    const file = host.files.get(below + name);
    if (!file) return { name, kind: 'directory', size: 0, mode: 0o755, target: null };
    return { name, kind: 'file', size: file.data.length, mode: file.mode, target: null };
  });
}

class MemoryRunner implements Runner {
  readonly #world: MemoryWorld;

  constructor(world: MemoryWorld) {
    this.#world = world;
  }

  #enter(method: keyof Runner, host: RunnerHost): MemoryHost {
    const world = this.#world;
    world.calls[method] = (world.calls[method] ?? 0) + 1;
    checkHostName(provider, host.name);
    const failure = world.failure?.(method, host.name);
    if (failure) throw failure;
    const found = world.hosts.get(host.name);
    if (!found) throw new HostUnreachableError(provider, `the host ${host.name} does not answer`);
    return found;
  }

  #job(method: keyof Runner, host: RunnerHost, id: string): MemoryJob | undefined {
    const { jobs } = this.#enter(method, host);
    checkJobId(provider, id);
    return jobs.get(id);
  }

  path(host: RunnerHost, path: string): string {
    checkHostName(provider, host.name);
    return pathOn(path);
  }

  async prepare(host: RunnerHost): Promise<void> {
    checkHostName(provider, host.name);
    if (!this.#world.hosts.has(host.name)) {
      this.#world.hosts.set(host.name, { files: new Map(), folders: new Set(['/']), jobs: new Map() });
    }
    this.#enter('prepare', host);
  }

  async ping(host: RunnerHost): Promise<void> {
    this.#enter('ping', host);
  }

  async start(host: RunnerHost, job: Job): Promise<void> {
    if (this.#job('start', host, job.id)) return;
    const there = this.#enter('start', host);
    checkEnvironment(provider, job.env);
    const isFolder = (path: string): boolean => statIn(there, path).kind === 'directory';
    const cwd = await chosen(job.cwd, isFolder);
    if (!isFolder(cwd)) throw refused(provider, `${cwd} is not a folder`);
    if (there.jobs.has(job.id)) return;
    there.jobs.set(job.id, play(this.#world, host.name, there.files, job));
  }

  async state(host: RunnerHost, jobId: string): Promise<JobState> {
    const absent: JobState = { state: 'absent', exitCode: null, signal: null, notes: [] };
    return structuredClone(this.#job('state', host, jobId)?.state ?? absent);
  }

  async run(host: RunnerHost, job: Job, from: StreamOffsets): Promise<JobView> {
    await this.start(host, job);
    return this.look(host, job.id, from);
  }

  look(host: RunnerHost, jobId: string, from: StreamOffsets): Promise<JobView> {
    return viewOf(this, host, jobId, from);
  }

  async output(host: RunnerHost, jobId: string, stream: 'stdout' | 'stderr', offset: number, limit: number) {
    const job = this.#job('output', host, jobId);
    if (!job) throw refused(provider, `there is no job ${jobId}`);
    return job[stream].read(offset, limit);
  }

  async kill(host: RunnerHost, jobId: string): Promise<void> {
    const job = this.#job('kill', host, jobId);
    const killed: JobState = { state: 'exited', exitCode: null, signal: 'SIGTERM', notes: [] };
    const nothing = new MemoryStream(0);
    if (!job) this.#world.hosts.get(host.name)?.jobs.set(jobId, { state: killed, stdout: nothing, stderr: nothing });
    else if (job.state.state === 'running') job.state = { ...killed, notes: job.state.notes };
  }

  async forget(host: RunnerHost, jobId: string): Promise<void> {
    const job = this.#job('forget', host, jobId);
    if (job?.state.state === 'running') throw refused(provider, `the job ${jobId} still runs`);
    this.#world.hosts.get(host.name)?.jobs.delete(jobId);
  }

  async sweep(host: RunnerHost, ended: EndedTasks): Promise<Swept> {
    const { jobs } = this.#enter('sweep', host);
    const over = [...jobs].filter(([id, { state }]) => isOfEnded(id, ended) && state.state !== 'running');
    for (const [id] of over) jobs.delete(id);
    return { dropped: over.length, more: false };
  }

  async stat(host: RunnerHost, path: string): Promise<FileStat> {
    return statIn(this.#enter('stat', host), path);
  }

  async realPaths(host: RunnerHost, paths: readonly string[]): Promise<RealPath[]> {
    const there = this.#enter('realPaths', host);
    return paths.map((path) =>
      statIn(there, path).kind === 'absent' ? { kind: 'absent' } : { kind: 'path', path: pathOn(path) },
    );
  }

  async list(host: RunnerHost, path: string): Promise<DirectoryEntry[]> {
    return listIn(this.#enter('list', host), path);
  }

  async readBlock(host: RunnerHost, path: string, offset: number, length: number): Promise<OutputBlock> {
    const file = this.#enter('readBlock', host).files.get(pathOn(path));
    if (!file) throw refused(provider, `${path} is not a file`);
    return part(file.data, offset, length);
  }

  async putFile(host: RunnerHost, place: HostPlace, source: string, options: PutOptions): Promise<void> {
    const there = this.#enter('putFile', host);
    const path = typeof place === 'string' ? place : `/.slipway/steps/${keptName(provider, place)}`;
    if (statIn(there, path).kind === 'directory') throw refused(provider, `${path} is not a file`);
    const data = await readFile(source);
    const found = createHash('sha256').update(data).digest('hex');
    if (found !== options.sha256) throw refused(provider, `${path}: the checksum is ${found}, not ${options.sha256}`);
    ensureWanted(provider, options.signal);
    there.files.set(pathOn(path), { data, mode: options.mode ?? 0o644 });
  }
}

/** Creates a driver over the world; each represents another worker. */
export function createMemoryRunner(world: MemoryWorld): Runner {
  return new MemoryRunner(world);
}
