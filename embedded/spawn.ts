// Children run in their own sessions, so that Ctrl-C reaches Slipway alone, which stops them in order. They log to files, as
// a pipe would break when the parent is killed. To die with the parent, also after kill -9, each has a shell that waits for
// the end of a pipe held by the parent only, and then signals it.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '../kit/process-identity.ts';
import { writeRunFile } from '../kit/run-file.ts';

/** How to run one embedded server; `user` if it differs from the present user. */
export interface Program {
  readonly role: string;
  readonly dataDir: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stopSignal: NodeJS.Signals;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A running child: `exited` resolves with its end, `logTail` reads the end of its log. */
export interface RunningChild {
  readonly pid: number;
  readonly identity: string;
  readonly exited: Promise<string>;
  logTail(): string;
}

const largestLogBytes = 10 * 2 ** 20;
const tailBytes = 2_000;

/** Starts a program, records it in a run file and ties its life to this process; throws when it can't be executed. */
export async function spawnRecorded(program: Program): Promise<RunningChild> {
  const logFile = openLog(program);
  const logStart = fstatSync(logFile).size;
  const child = spawn(program.command, program.args, {
    cwd: '/',
    detached: true,
    env: program.env,
    stdio: ['ignore', logFile, logFile],
    ...program.user,
  });
  closeSync(logFile);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
  const pid = await started(child);
  const identity = processIdentity(pid) ?? '';
  const unwatch = bindToThisProcess(pid, program.stopSignal);
  const forget = recordOrKill(program, pid);
  void exited.then(() => {
    unwatch();
    forget();
  });
  return { pid, identity, exited, logTail: () => tail(logPath(program), logStart) };
}

function recordOrKill({ dataDir, role, port }: Program, pid: number): () => void {
  try {
    return writeRunFile(dataDir, { role, port, pid });
  } catch (error) {
    process.kill(pid, 'SIGKILL');
    throw error;
  }
}

async function started(child: ChildProcess): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    if (child.pid !== undefined) resolve(child.pid);
  });
}

function bindToThisProcess(pid: number, signal: NodeJS.Signals): () => void {
  const script = 'read -r line; kill -s "$0" "$1" 2>/dev/null';
  const watcher = spawn('/bin/sh', ['-c', script, signal.replace('SIG', ''), String(pid)], {
    cwd: '/',
    detached: true,
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell nothing is lost but promptness: the next start ends what is recorded.
  watcher.on('error', () => undefined);
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  return () => {
    watcher.kill('SIGKILL');
  };
}

function logPath(program: Program): string {
  return join(program.dataDir, 'logs', `${program.role}.log`);
}

function openLog(program: Program): number {
  const path = logPath(program);
  mkdirSync(join(program.dataDir, 'logs'), { recursive: true, mode: 0o700 });
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLogBytes) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

function tail(path: string, from: number): string {
  return readFileSync(path).subarray(from).subarray(-tailBytes).toString('utf8').trim();
}
