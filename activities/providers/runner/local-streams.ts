// Job output goes through pipes: a script's `> /dev/stderr` reopens its stream, which would truncate a file and fails on a
// socket. One reader per stream (agent/reader.sh), outside the job's group and ignoring TERM, saves the output while any
// process holds the pipe, so no output is lost with the worker, the launcher or a kill. Named pipes, as Node creates no
// others; they are unlinked before the job starts.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, fchmodSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { files } from './local-folder.ts';
import { streamSize } from './local-output.ts';
import { isIdle, markOf } from './local-process.ts';
import type { ProcessMark } from './local-process.ts';

const names = [files.stdout, files.stderr] as const;
const readerProgram = join(import.meta.dirname, 'agent/reader.sh');
const lookMs = 20;
const patienceMs = 2000;
const limitMs = 30_000;

/** Creates a launcher's pipes and execs it: folder, program, arguments. In the shell, which saves a process. */
export const withPipes = 'mkfifo -m 600 "$1/stdout.$$" "$1/stderr.$$" && exec "$2" "$3" "$1"';

interface Pipe {
  source: number;
  sink: number;
}

/** The pipes of a job, without readers yet. */
export interface Pipes {
  stdout: Pipe;
  stderr: Pipe;
}

/** The readers that save the pipes' output to files. */
export interface Readers {
  marks: ProcessMark[];
  /** Resolves when both have ended, normally because no writer is left. */
  ended: Promise<unknown>;
  /** Readers that ended early: output is lost. */
  failures: string[];
}

/** Opens both ends of a named pipe; the first open keeps the second from blocking. */
function openPipe(path: string): Pipe {
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const sink = openSync(path, constants.O_WRONLY);
  const source = openSync(path, constants.O_RDONLY);
  closeSync(first);
  unlinkSync(path);
  // Holders may reopen it, also as a user that the job changes to; the name is gone for all others.
  fchmodSync(sink, 0o622);
  return { source, sink };
}

/** Opens the pipes created for this launcher. */
export function openPipes(folder: string): Pipes {
  const [stdout, stderr] = names.map((name) => openPipe(join(folder, `${name}.${process.pid}`))) as [Pipe, Pipe];
  return { stdout, stderr };
}

function startReader(folder: string, stream: string, source: number, limitBytes: number): ChildProcess {
  const args = ['-c', '. "$0"; read_stream "$@"', readerProgram, folder, stream, String(limitBytes)];
  const child = spawn('/bin/sh', args, { detached: true, stdio: [source, 'ignore', 'inherit'] });
  closeSync(source);
  child.unref();
  return child;
}

/** Starts the readers of a job's pipes as the present user; `limitBytes` limits their files together. */
export function startReaders(folder: string, pipes: Pipes, limitBytes: number): Readers {
  const failures: string[] = [];
  const started = names.map((name) => {
    const child = startReader(folder, name, pipes[name].source, limitBytes);
    const ended = new Promise<void>((done) => {
      const end = (failure: string | null): void => {
        if (failure !== null) failures.push(`the reader of ${name} ended early: ${failure}`);
        done();
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(code === 0 ? null : (signal ?? `exit code ${code}`)));
    });
    return { ended, mark: markOf(child.pid ?? 0) };
  });
  return { marks: started.map(({ mark }) => mark), ended: Promise.all(started.map(({ ended }) => ended)), failures };
}

/**
 * Waits until the readers have saved all output so far: they have ended, or (a service holds the pipe) they sleep at two
 * checks without growth of the files between. Gives up after 30 seconds on a service that writes without pause.
 */
export async function settled(folder: string, readers: ProcessMark[]): Promise<void> {
  const began = Date.now();
  let before = '';
  for (let age = 0; age < limitMs; age = Date.now() - began) {
    const now = readers.every(isIdle) ? names.map((name) => streamSize(folder, name)).join() : '';
    // One check suffices if only the pipe makes a reader sleep; on some file systems it also sleeps while writing.
    if (now !== '' && (now === before || age > patienceMs)) return;
    before = now;
    await sleep(lookMs);
  }
}
