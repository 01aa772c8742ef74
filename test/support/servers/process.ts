// A server of a test: started with its output kept, awaited, and ended by its own pid.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { eventually } from '../harness.ts';

export interface RunningServer {
  readonly pid: number;
  /** Its output so far, for the message of a failing test. */
  said(): string;
  stop(): Promise<void>;
}

const grace = 10_000;

export function startServer(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningServer {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      output += String(error);
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    said: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      const late = AbortSignal.timeout(grace);
      late.addEventListener('abort', () => child.kill('SIGKILL'));
      await ended;
      // What it left behind may hold them for long.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
    },
  };
}

/** Starts a server that outlives the test file that asks for it; `${place}.pid` and `${place}.log` are its files. */
export function startLasting(place: string, program: string, args: readonly string[]): void {
  const log = openSync(`${place}.log`, 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  child.once('error', (error) => writeFileSync(`${place}.log`, String(error)));
  child.unref();
  writeFileSync(`${place}.pid`, String(child.pid ?? ''));
}

/** Kills a server without a warning, and what it has started with the same arguments; `program` and `folder` are two of them. */
export async function killServing(program: string, folder: string): Promise<void> {
  const serving = (): number[] => pidsOf((words) => words.includes(program) && words.includes(folder));
  await eventually(
    () => {
      for (const pid of serving()) process.kill(pid, 'SIGKILL');
      return serving().length === 0;
    },
    { timeout: grace },
  );
}

/** The processes whose arguments are such; one that has ended has none, one that says what it does has them as one text. */
function pidsOf(test: (words: string[]) => boolean): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((pid) => {
    try {
      return test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]/));
    } catch {
      return false;
    }
  });
}

/** Ends one of those, whichever test file has started it. */
export async function endLasting(place: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const pid = Number(readFileSync(`${place}.pid`, 'utf8'));
  process.kill(pid, signal);
  await eventually(() => !isAlive(pid), { timeout: grace }).catch(() => process.kill(pid, 'SIGKILL'));
  await eventually(() => !isAlive(pid), { timeout: grace });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The processes that a process of ours has started itself and that still live. */
export function childrenOf(pid: number): number[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return pids === '' ? [] : pids.split(' ').map(Number);
}

/** A free port of the loopback. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Whether a port of the loopback is listened on. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}
