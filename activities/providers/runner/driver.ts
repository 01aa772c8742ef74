// The driver interface for hosts. A job is started by a unique id and then runs independently on
// the host, which keeps its output and result. Any worker, also after a crash, asks for both by the id, so that no step runs
// twice and no output is lost.
import type { RunnerName } from '../../../workflows/hosts/contract.ts';

/** A host as drivers need it; `address` is null if the runner finds it by name. */
export interface RunnerHost {
  name: string;
  runner: RunnerName;
  address: string | null;
}

/** The folder `then` if the folder `when` exists, else `otherwise`; resolved on the host when it receives the job. */
export interface FolderChoice {
  when: string;
  then: string;
  otherwise: string;
}

/**
 * One command on one host. Additional environment: `SLIPWAY_HOST_ROOT`, the folder of the host's root, and
 * `SLIPWAY_STEPS_DIR`, for step data that only the runner's own user may change; it may not exist yet.
 */
export interface Job {
  /** Globally unique: a start with an existing id has no effect. */
  id: string;
  /** Passed as a file, never through a shell's arguments. */
  script: { language: 'bash' | 'python'; content: string };
  /** Absolute, as the application states it; the driver maps it. It must exist. */
  cwd: string | FolderChoice;
  env: Record<string, string>;
  /** System user, null for the runner's own. Refused if missing on the host, or if the runner can't change to it. */
  user: string | null;
  /** Refuses any user with root's uid, except the worker's own on a local host. */
  neverRoot?: boolean;
  /**
   * Limit of the output kept on the host, both streams together: the first half from the beginning, the rest from the end.
   * Default 50 MiB, minimum 64 KiB.
   */
  outputLimitBytes?: number;
}

/**
 * `absent`: never started (or forgotten). `unknown`: started, but its end is unknown. `notes`: lines for the step's output.
 */
export interface JobState {
  state: 'absent' | 'running' | 'exited' | 'unknown';
  /** Null unless it exited without a signal. */
  exitCode: number | null;
  /** The signal that ended it; always set for a job that `kill` ended. */
  signal: string | null;
  notes: string[];
}

/** Bytes of a stream or file; `size` is its present size in bytes. */
export interface OutputBlock {
  data: Buffer;
  size: number;
}

/**
 * Contiguous bytes of a stream. Positions count the whole output, including dropped parts: `offset`, the position of the
 * first byte, lies beyond the requested one if that part was dropped. `isCut`: the part after these bytes was dropped too.
 */
export interface StreamBlock extends OutputBlock {
  offset: number;
  isCut: boolean;
}

/** A position in each stream, in bytes. */
export type StreamOffsets = Record<'stdout' | 'stderr', number>;

/** Result of one look at a job: its state, and as much output as one call returns. */
export interface JobView extends JobState {
  stdout: StreamBlock;
  stderr: StreamBlock;
}

/** Tasks that have ended: those with an id below `below`, except `except`. Job ids begin with the task's (`t42-…`). */
export interface EndedTasks {
  below: number;
  except: readonly number[];
}

/** The number of deleted jobs, and whether another call has more to delete. */
export interface Swept {
  dropped: number;
  more: boolean;
}

export interface FileStat {
  kind: 'file' | 'directory' | 'other' | 'absent';
  /** Bytes; 0 unless a file. */
  size: number;
}

/** One entry of a folder, without following links. */
export interface DirectoryEntry {
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
  /** Bytes; 0 unless a file. */
  size: number;
  /** Permission bits. */
  mode: number;
  /** Target of a link, verbatim. */
  target: string | null;
}

/** The real path; `outside`: it leads outside the runner's roots. */
export type RealPath = { kind: 'path'; path: string } | { kind: 'absent' } | { kind: 'outside' };

/** An absolute path of an application, or a file in the folder that the runner keeps for steps, such as `t42/web.tar`. */
export type HostPlace = string | { kept: string };

export interface PutOptions {
  sha256: string;
  /** Permission bits; 0644 unless given. */
  mode?: number;
  signal?: AbortSignal;
}

/** Every method throws ProviderError only: `refused` for permanent failures, `unavailable` for an unreachable host. */
export interface Runner {
  /** Maps an absolute path of an application to the host. */
  path(host: RunnerHost, path: string): string;
  /** Prepares the host for jobs (idempotent); called by initialisation. */
  prepare(host: RunnerHost): Promise<void>;
  /** Throws `unavailable` unless the host responds. */
  ping(host: RunnerHost): Promise<void>;
  /** Resolves when the job has certainly started; from then on `state` is never `absent`. */
  start(host: RunnerHost, job: Job): Promise<void>;
  state(host: RunnerHost, jobId: string): Promise<JobState>;
  /** `start` and then `look`, in one call if calls are expensive. */
  run(host: RunnerHost, job: Job, from: StreamOffsets): Promise<JobView>;
  /**
   * State and output of a job; for an ended one, all of its output. If calls are expensive, waits on the host for new
   * output, for seconds at most.
   */
  look(host: RunnerHost, jobId: string, from: StreamOffsets): Promise<JobView>;
  /**
   * Bytes of the job's output from `offset`, at most `limit`, also while it runs. The size never shrinks (`> /dev/stderr`
   * appends), is complete once `state` is `exited` or `kill` resolved, and then grows only by output of services left
   * running. Beyond the job's limit the host drops the middle.
   */
  output(
    host: RunnerHost,
    jobId: string,
    stream: 'stdout' | 'stderr',
    offset: number,
    limit: number,
  ): Promise<StreamBlock>;
  /**
   * Ends the whole process group, TERM and after `graceMs` KILL; resolves when it is gone; no effect after the end. Marks a
   * job never started as ended by SIGTERM, so that a late start by a stalled worker has no effect.
   */
  kill(host: RunnerHost, jobId: string, graceMs: number): Promise<void>;
  /** Deletes the data of an ended job; its id may then be used again. */
  forget(host: RunnerHost, jobId: string): Promise<void>;
  /**
   * Drops what is kept of jobs of ended tasks, many at a call, and what was left half made for over a day. A job that runs
   * stays, and so may the output of one that left a service behind that still writes to it.
   */
  sweep(host: RunnerHost, ended: EndedTasks): Promise<Swept>;
  stat(host: RunnerHost, path: string): Promise<FileStat>;
  /** Where these paths lead once every link is followed, as the application would write them; one answer for each. */
  realPaths(host: RunnerHost, paths: readonly string[]): Promise<RealPath[]>;
  /** Entries of a folder, sorted by name (by code unit). */
  list(host: RunnerHost, path: string): Promise<DirectoryEntry[]>;
  /** Bytes of a file; empty past its end. */
  readBlock(host: RunnerHost, path: string, offset: number, length: number): Promise<OutputBlock>;
  /**
   * Puts `source` (a file of this machine) there atomically: verifies the checksum on the host and creates folders. On an
   * abort it throws `unavailable` as soon as possible, unless already done, and sends nothing more.
   */
  putFile(host: RunnerHost, place: HostPlace, source: string, options: PutOptions): Promise<void>;
}
