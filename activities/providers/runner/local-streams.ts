// What a job says goes through pipes, as on a terminal: a script's `> /dev/stderr` opens its stream anew, which would
// empty a plain file and fails on a socket. A reader per stream (the agent's, agent/reader.sh), outside of the job's group and
// deaf to TERM, keeps it for as long as anybody holds the pipe, so neither worker nor launcher nor a kill stands between a line
// and its file. Named pipes, because Node makes no others; the name is gone before the job starts.
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

/** Makes the pipes of a launcher and becomes it: folder, program, arguments. By the shell, as a process more costs it less. */
export const withPipes = 'mkfifo -m 600 "$1/stdout.$$" "$1/stderr.$$" && exec "$2" "$3" "$1"';

interface Pipe {
  source: number;
  sink: number;
}

/** The pipes of a job, nobody reading yet. */
export interface Pipes {
  stdout: Pipe;
  stderr: Pipe;
}

/** Who keeps what comes out of the pipes in the files. */
export interface Readers {
  marks: ProcessMark[];
  /** Resolves when both have ended, as a rule because nobody can write any more. */
  ended: Promise<unknown>;
  /** Of readers that ended before their time: output is lost. */
  failures: string[];
}

/** Opens both ends of a named pipe; the first opening only keeps the second from waiting for a reader. */
function openPipe(path: string): Pipe {
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const sink = openSync(path, constants.O_WRONLY);
  const source = openSync(path, constants.O_RDONLY);
  closeSync(first);
  unlinkSync(path);
  // Whoever has it may open it anew, also a user that the job changes to; by name nobody can reach it any more.
  fchmodSync(sink, 0o622);
  return { source, sink };
}

/** Opens the pipes that were made for this launcher. */
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

/** Starts the readers of a job's pipes, as the user we are; their files hold so many bytes together. */
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
 * Waits until the readers have written what was said so far: they have ended, or (a service holds the pipe) they sleep in
 * two looks between which the files have not grown. A service that never pauses is given up after 30 seconds.
 */
export async function settled(folder: string, readers: ProcessMark[]): Promise<void> {
  const began = Date.now();
  let before = '';
  for (let age = 0; age < limitMs; age = Date.now() - began) {
    const now = readers.every(isIdle) ? names.map((name) => streamSize(folder, name)).join() : '';
    // One look tells where a reader sleeps for its pipe alone; some file systems let it sleep while it writes.
    if (now !== '' && (now === before || age > patienceMs)) return;
    before = now;
    await sleep(lookMs);
  }
}
