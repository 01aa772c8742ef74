// The hands on a host: one interface for `local`, `salt` and `ssh`. A job is started by a unique id and then lives by
// itself on the host, with its output in files and its result kept: whoever comes later (another worker, after a
// crash) asks for state and output by that id. So "no step runs twice, no line is lost" needs nothing but the id.

export type RunnerKind = 'local' | 'salt' | 'ssh';

/** The host as a driver needs it; `address` is null where the runner finds it by name. */
export interface RunnerHost {
  name: string;
  runner: RunnerKind;
  address: string | null;
}

/** The folder `then` where there is a folder `when`, else `otherwise`; the host decides as it gets the job. */
export interface FolderChoice {
  when: string;
  then: string;
  otherwise: string;
}

/**
 * One command on one host. Besides `env` it finds there `SLIPWAY_HOST_ROOT`, the folder that is the host's root, and
 * `SLIPWAY_STEPS_DIR`, where steps keep what nobody but the runner's own user may change; it need not be there yet.
 */
export interface Job {
  /** Unique for ever, see `jobId`: a start with an id that exists does nothing. */
  id: string;
  /** Passed as a file, never through a shell's arguments. */
  script: { language: 'bash' | 'python'; content: string };
  /** Absolute, as the application states it; the driver maps it. It must exist. */
  cwd: string | FolderChoice;
  env: Record<string, string>;
  /** System user, null for the runner's own. One that the host has not, or that it cannot change to, is refused. */
  user: string | null;
  /** The user is refused if they are root there, by whatever name; the worker's own on a local host is not. */
  neverRoot?: boolean;
  /**
   * Most that the host keeps of its output, both streams together, and never more at any time: half of it from the beginning,
   * the rest from the end. 50 MiB unless given, 64 KiB at least.
   */
  outputLimitBytes?: number;
}

/**
 * `absent`: never started (or forgotten). `unknown`: it was started and nobody can say how it ended.
 * `notes`: lines that belong into the step's output.
 */
export interface JobState {
  state: 'absent' | 'running' | 'exited' | 'unknown';
  /** Null unless exited by itself. */
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
 * Bytes of a stream, next to each other. Positions are those of all that was said, whatever the host still keeps of it: `offset`
 * is that of the first of these bytes, beyond the one asked for where what was there is gone. `isCut`: so is what follows them.
 */
export interface StreamBlock extends OutputBlock {
  offset: number;
  isCut: boolean;
}

/** A position in each stream, in bytes. */
export type StreamOffsets = Record<'stdout' | 'stderr', number>;

/** What one look at a job shows: its state, and as much of its output as one call brings. */
export interface JobView extends JobState {
  stdout: StreamBlock;
  stderr: StreamBlock;
}

/** Tasks that have ended for good: those with a smaller id than `below`, but for `except`. Jobs begin with it (`t42-…`). */
export interface EndedTasks {
  below: number;
  except: readonly number[];
}

/** How many jobs were dropped, and whether another call has more to drop. */
export interface Swept {
  dropped: number;
  more: boolean;
}

export interface FileStat {
  kind: 'file' | 'directory' | 'other' | 'absent';
  /** Bytes; 0 unless a file. */
  size: number;
}

/** One name in a folder, links not followed. */
export interface DirectoryEntry {
  name: string;
  kind: 'file' | 'directory' | 'link' | 'other';
  /** Bytes; 0 unless a file. */
  size: number;
  /** Permission bits. */
  mode: number;
  /** Of a link: what it says. */
  target: string | null;
}

/** Where a path really leads; `outside`: to where the runner does not go. */
export type RealPath = { kind: 'path'; path: string } | { kind: 'absent' } | { kind: 'outside' };

/** An absolute path of an application, or a file in the folder that the runner keeps for steps, such as `t42/web.tar`. */
export type HostPlace = string | { kept: string };

export interface PutOptions {
  sha256: string;
  /** Permission bits; 0644 unless given. */
  mode?: number;
  signal?: AbortSignal;
}

/** Every method throws ProviderError only: `refused` for what can't be, `unavailable` for a host that can't be reached. */
export interface Runner {
  /** Where an absolute path of an application really lies on the host. */
  path(host: RunnerHost, path: string): string;
  /** Makes the host ready to take jobs (idempotent): initialisation calls it. */
  prepare(host: RunnerHost): Promise<void>;
  /** Throws `unavailable` unless the host answers. */
  ping(host: RunnerHost): Promise<void>;
  /** Resolves when the job is started for sure, or was before; then `state` is never `absent`. */
  start(host: RunnerHost, job: Job): Promise<void>;
  state(host: RunnerHost, jobId: string): Promise<JobState>;
  /** `start` and then `look`, in one call where calls are dear. */
  run(host: RunnerHost, job: Job, from: StreamOffsets): Promise<JobView>;
  /**
   * State and output of a job; what is known to be over has all of its output. Where calls are dear it waits on the host, for
   * seconds at most, until there is something new.
   */
  look(host: RunnerHost, jobId: string, from: StreamOffsets): Promise<JobView>;
  /**
   * Bytes of the job's output from `offset`, at most `limit`; also while it runs. Its size only ever grows (`> /dev/stderr` adds
   * to it), counts all that the command wrote once `state` is `exited` or `kill` resolved, and then what services left behind
   * add. Of what is beyond the job's limit the host drops the middle, as it comes.
   */
  output(
    host: RunnerHost,
    jobId: string,
    stream: 'stdout' | 'stderr',
    offset: number,
    limit: number,
  ): Promise<StreamBlock>;
  /**
   * Ends the whole process group, TERM and after `graceMs` KILL; resolves when it is gone; harmless after the end. A job that
   * was never started is over too: a start that comes late, from a worker that stalled, finds it ended by SIGTERM.
   */
  kill(host: RunnerHost, jobId: string, graceMs: number): Promise<void>;
  /** Drops what is kept of an ended job; its id is then as if never used. */
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
  /** Bytes of a file; past its end there are none. */
  readBlock(host: RunnerHost, path: string, offset: number, length: number): Promise<OutputBlock>;
  /**
   * Places `source` (a file on this machine) there: checksum verified there, all or nothing, folders made. Once `signal` is
   * aborted it ends as `unavailable` as soon as it can, unless all is done, and then brings nothing more to the host.
   */
  putFile(host: RunnerHost, place: HostPlace, source: string, options: PutOptions): Promise<void>;
}
