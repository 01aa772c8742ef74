// Children run in sessions of their own, so that Ctrl-C in the terminal reaches Slipway alone and Slipway stops them in
// order. They write to log files: a pipe would break under them when the parent is killed. Their death with the parent is
// seen to by a shell that waits for the end of a pipe which only the parent holds, and signals them: kill -9 included.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processIdentity } from '../kit/process-identity.ts';
import { writeRunFile } from '../kit/run-file.ts';

/** How to run one embedded server; `user` is who runs it when that isn't the present user. */
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

/** A child that runs: `exited` resolves with how it ended, `logTail` reads the end of what it has said. */
export interface Running {
  readonly pid: number;
  readonly identity: string;
  readonly exited: Promise<string>;
  logTail(): string;
}

const largestLogBytes = 10 * 2 ** 20;
const tailBytes = 2_000;

/** Starts a program, records it in a run file and binds its life to this process; throws when it can't be executed. */
export async function spawnRecorded(program: Program): Promise<Running> {
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
