// What a job says goes through pipes, as on a terminal: a script's `> /dev/stderr` opens its stream anew, which would
// empty a plain file and fails on a socket. A `cat` per stream, outside of the job's group and deaf to TERM, appends it to
// the file for as long as anybody holds the pipe, so neither worker nor launcher nor a kill stands between a line and its
// file. Named pipes, because Node makes no others; the name is gone before the job starts.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, fchmodSync, openSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { files } from './local-folder.ts';
import { isIdle, markOf } from './local-process.ts';
import type { ProcessMark } from './local-process.ts';

const names = [files.stdout, files.stderr] as const;
const reader = `trap '' TERM INT HUP; exec cat`;
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

/** Who appends what comes out of the pipes to the files. */
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

function startReader(file: string, source: number): ChildProcess {
  const target = openSync(file, 'a');
  const child = spawn('/bin/sh', ['-c', reader], { detached: true, stdio: [source, target, 'inherit'] });
  for (const fd of [source, target]) closeSync(fd);
  child.unref();
  return child;
}

/** Starts the readers of a job's pipes, as the user we are. */
export function startReaders(folder: string, pipes: Pipes): Readers {
  const failures: string[] = [];
  const started = names.map((name) => {
    const child = startReader(join(folder, name), pipes[name].source);
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
    const now = readers.every(isIdle) ? names.map((name) => statSync(join(folder, name)).size).join() : '';
    // One look tells where a reader sleeps for its pipe alone; some file systems let it sleep while it writes.
    if (now !== '' && (now === before || age > patienceMs)) return;
    before = now;
    await sleep(lookMs);
  }
}
