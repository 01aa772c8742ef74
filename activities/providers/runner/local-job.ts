// The launcher of one job on a local host, a process of its own: `node local-job.ts <job folder>`. It outlives the worker
// (own session, files instead of pipes), so a worker that dies loses nothing. The end of a job is the result that this
// process writes, never the end of a stream: a service started by the job may keep the streams open for ever.
import { spawn } from 'node:child_process';
import { chownSync, closeSync, fchownSync, existsSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { files, makeFolder, readJson, writeJson } from './local-folder.ts';
import type { JobOrder, Result, Started } from './local-folder.ts';
import { markOf } from './local-process.ts';
import { chooseUser, commandAs } from './local-user.ts';
import type { RunAs, SystemUser } from './local-user.ts';

const interpreters: Record<JobOrder['language'], string> = { bash: 'bash', python: 'python3' };

function report(): void {
  try {
    writeSync(1, 'started\n');
  } catch {
    // Nobody listens any more: the worker that started us is gone, which is no reason to stop.
  }
}

function finish(folder: string, streams: number[], result: Result): void {
  for (const fd of streams) {
    fsyncSync(fd);
    closeSync(fd);
  }
  const wasKilled = existsSync(join(folder, files.kill));
  const ended = wasKilled ? { exitCode: null, signal: result.signal ?? 'SIGTERM' } : result;
  writeJson(folder, files.result, ended satisfies Result);
}

function giveTo(user: SystemUser, file: string | number): void {
  if (typeof file === 'number') fchownSync(file, user.uid, user.gid);
  else chownSync(file, user.uid, user.gid);
}

function run(folder: string, order: JobOrder, as: RunAs): void {
  const stdout = openSync(join(folder, files.stdout), 'a');
  const stderr = openSync(join(folder, files.stderr), 'a');
  const done = (result: Result): void => finish(folder, [stdout, stderr], result);
  const failed = (error: Error): void => {
    writeSync(stderr, `the step could not be started: ${error.message}\n`);
    done({ exitCode: 127, signal: null });
  };
  if (existsSync(join(folder, files.kill))) return done({ exitCode: null, signal: 'SIGTERM' });

  const script = join(folder, files.script);
  if (as.user) for (const file of [script, stdout, stderr]) giveTo(as.user, file);
  const { program, args, ...ids } = commandAs(as.user, [interpreters[order.language], script]);
  const env = { LANG: 'C.UTF-8', HOME: as.home, USER: as.name, LOGNAME: as.name, ...order.env };
  const child = spawn(program, args, {
    cwd: order.cwd,
    env,
    detached: true,
    stdio: ['ignore', stdout, stderr],
    ...ids,
  });
  child.once('error', failed);
  child.once('exit', (exitCode, signal) => done({ exitCode, signal }));
  if (child.pid !== undefined) writeJson(folder, files.process, markOf(child.pid));
}

function main(folder: string): void {
  const order = readJson(folder, files.order) as JobOrder | null;
  if (!order) throw new Error('no job in this folder');
  const as = chooseUser(order.user);
  const started: Started = { ...markOf(process.pid), notes: as.note === null ? [] : [as.note] };
  const isFirst = makeFolder(join(folder, 'started'), 0o700, (temporary) =>
    writeJson(temporary, 'launcher.json', started),
  );
  if (isFirst) run(folder, order, as);
  report();
}

// Steps make files that others serve; what is private here says so itself.
process.umask(0o022);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
main(process.argv[2] ?? '');
