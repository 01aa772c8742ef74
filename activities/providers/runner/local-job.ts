// The launcher of one job on a local host, a separate process: `node local-job.ts <job folder>`. It outlives the worker (own
// session, shares only files), so a dying worker loses nothing. A job ends with the result that this process writes, not
// with the end of a stream: a service started by the job may keep the streams open indefinitely.
import { spawn } from 'node:child_process';
import { appendFileSync, chownSync, closeSync, existsSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { syncPath } from '../../../kit/atomic-file.ts';
import { commandOf } from '../../../kit/shebang.ts';
import { files, makeFolder, readJson, writeJson } from './local-folder.ts';
import type { JobOrder, Result, RunningJob, Started } from './local-folder.ts';
import { streamFiles } from './local-output.ts';
import { markOf } from './local-process.ts';
import { openPipes, settled, startReaders } from './local-streams.ts';
import { keptBytes } from './output-view.ts';
import type { Pipes, Readers } from './local-streams.ts';
import { chooseUser, commandAs } from './local-user.ts';
import type { RunAs } from './local-user.ts';

function report(): void {
  try {
    writeSync(1, 'started\n');
  } catch {
    // The worker that started this process is gone, which is no reason to stop.
  }
}

/** Syncs an output file to disk; its reader may delete it meanwhile. */
function syncKept(path: string): void {
  if (existsSync(path)) syncPath(path);
}

function finish(folder: string, result: Result, complaints: string[]): void {
  for (const complaint of complaints)
    appendFileSync(streamFiles(folder, files.stderr).at(-1) ?? files.stderr, `${complaint}\n`);
  for (const name of [files.stdout, files.stderr]) streamFiles(folder, name).forEach(syncKept);
  const wasKilled = existsSync(join(folder, files.kill));
  const ended = wasKilled ? { exitCode: null, signal: result.signal ?? 'SIGTERM' } : result;
  writeJson(folder, files.result, ended satisfies Result);
}

/** Waits until the command's output is in the files, then records its end. */
async function end(folder: string, readers: Readers, result: Result, error?: Error): Promise<void> {
  await Promise.race([readers.ended, settled(folder, readers.marks)]);
  const complaints = readers.failures.map((failure) => `output of the step was lost, ${failure}`);
  if (error) complaints.push(`the step could not be started: ${error.message}`);
  finish(folder, result, complaints);
}

function run(folder: string, order: JobOrder, as: RunAs, { stdout, stderr }: Pipes): void {
  rmSync(join(folder, files.order), { force: true }); // It holds the environment, and is not needed again.
  if (existsSync(join(folder, files.kill))) return finish(folder, { exitCode: null, signal: 'SIGTERM' }, []);
  const script = join(folder, files.script);
  if (as.user) chownSync(script, as.user.uid, as.user.gid);
  const interpreter = commandOf(order.language, readFileSync(script, 'utf8'));
  // The job's user changes the folder: their links must not lead to places only root can reach.
  const inFolder = ['/bin/sh', '-c', 'cd -- "$0" && unset OLDPWD && exec "$@"; exit 127', order.cwd];
  const { program, args, ...ids } = commandAs(as.user, [...inFolder, ...interpreter, script]);
  const env = { LANG: 'C.UTF-8', HOME: as.home, USER: as.name, LOGNAME: as.name, ...order.env };
  const readers = startReaders(folder, { stdout, stderr }, keptBytes(order));
  const child = spawn(program, args, {
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', stdout.sink, stderr.sink],
    ...ids,
  });
  for (const { sink } of [stdout, stderr]) closeSync(sink);
  child.once('error', (error) => void end(folder, readers, { exitCode: 127, signal: null }, error));
  child.once('exit', (exitCode, signal) => void end(folder, readers, { exitCode, signal }));
  if (child.pid === undefined) return;
  writeJson(folder, files.process, { ...markOf(child.pid), readers: readers.marks } satisfies RunningJob);
}

async function main(folder: string): Promise<void> {
  const order = readJson(folder, files.order) as JobOrder | null;
  const pipes = openPipes(folder);
  if (!order) {
    report(); // Another launcher already runs it.
    return;
  }
  const as = await chooseUser(order);
  const started: Started = { ...markOf(process.pid), notes: [] };
  const isFirst = makeFolder(join(folder, 'started'), 0o700, (temporary) =>
    writeJson(temporary, 'launcher.json', started),
  );
  if (isFirst) run(folder, order, as, pipes);
  report();
}

// Steps create files for others to read; private files set their own mode.
process.umask(0o022);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
await main(process.argv[2] ?? '');
