// Starts, observes and kills jobs of a local host for a worker. All state is in the job's folder, none in memory, so any
// worker can do each at any time.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { refused, unavailable } from '../error.ts';
import type { Job, JobState } from './driver.ts';
import { checkEnvironment } from './check-paths.ts';
import { chosen, keptBytes } from './output-view.ts';
import { inside, statFile } from './local-files.ts';
import { files, makeFolder, readJson, writeJson } from './local-folder.ts';
import type { JobOrder, Result, RunningJob, Started } from './local-folder.ts';
import { groupLives, lives, markOf, signalGroup } from './local-process.ts';
import { settled, withPipes } from './local-streams.ts';
import { chooseUser } from './local-user.ts';

const provider = 'local';
const launcher = join(import.meta.dirname, 'local-job.ts');
const afterKillMs = 5000;

/** A job's folder, its search path for programs, and where launchers keep their compiled source. */
export interface JobPlace {
  root: string;
  folder: string;
  searchPath: string;
  compiled: string;
}

async function orderOf({ root, searchPath }: JobPlace, job: Job): Promise<JobOrder> {
  checkEnvironment(provider, job.env);
  const path = await chosen(job.cwd, (folder) => isFolder(root, folder));
  const cwd = await inside(root, path);
  if (cwd === null || !(await isFolder(root, path))) throw refused(provider, `${path} is not a folder on the host`);
  const { script, user, neverRoot } = job;
  const env = { PATH: searchPath, ...job.env, SLIPWAY_HOST_ROOT: root, SLIPWAY_STEPS_DIR: stepsFolder(root) };
  return { language: script.language, cwd, env, user, neverRoot, outputLimitBytes: keptBytes(job) };
}

/** Step data on a host, for its runner alone. */
const stepsFolder = (root: string): string => join(root, '.slipway', 'steps');

async function isFolder(root: string, path: string): Promise<boolean> {
  const { kind } = await statFile(await inside(root, path));
  return kind === 'directory';
}

/** Folders that the job's user traverses to reach their script, but can't list. */
function makeJobsFolder(root: string): void {
  for (const folder of [join(root, '.slipway'), join(root, '.slipway', 'jobs')]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
  }
}

function fill(folder: string, job: Job, order: JobOrder): void {
  chmodSync(folder, 0o711);
  writeJson(folder, files.order, order);
  writeFileSync(join(folder, files.script), job.script.content, { mode: 0o600 });
  for (const stream of [files.stdout, files.stderr]) writeFileSync(join(folder, stream), '', { mode: 0o600 });
}

/** Runs the launcher until it reports its start or ends. */
async function launch({ folder, searchPath, compiled }: JobPlace): Promise<void> {
  const log = openSync(join(folder, 'launcher.log'), 'a', 0o600);
  const child = spawn('/bin/sh', ['-c', withPipes, 'sh', folder, process.execPath, launcher], {
    // Otherwise every launcher compiles its source, more than half of the time of a start. All hosts share it.
    env: { PATH: searchPath, NODE_COMPILE_CACHE: compiled },
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  child.unref();
  await new Promise<void>((done) => {
    child.stdout?.once('data', () => done());
    child.stdout?.once('close', () => done());
    child.once('error', () => done());
  });
  child.stdout?.destroy();
}

function running(folder: string): RunningJob | null {
  return readJson(folder, files.process) as RunningJob | null;
}

function started(folder: string): Started | null {
  return readJson(folder, files.started) as Started | null;
}

/** Starts the job in `folder` unless any worker already has. */
export async function startJob(place: JobPlace, job: Job): Promise<void> {
  const { root, folder } = place;
  if (!started(folder)) await chooseUser(job);
  if (!existsSync(folder)) {
    const order = await orderOf(place, job);
    makeJobsFolder(root);
    makeFolder(folder, 0o711, (temporary) => fill(temporary, job, order));
  }
  if (started(folder)) return;
  await launch(place);
  if (started(folder)) return;
  const log = readFileSync(join(folder, 'launcher.log'), 'utf8').trim().split('\n').at(-1);
  throw unavailable(provider, `the job ${job.id} could not be started${log ? `: ${log}` : ''}`);
}

function ended(result: Result, notes: string[]): JobState {
  return { state: 'exited', ...result, notes };
}

function lost(folder: string, notes: string[]): JobState {
  const runs = running(folder);
  const still = runs && lives(runs) ? [`its process ${runs.pid} still runs, its end will not be known`] : [];
  return {
    state: 'unknown',
    exitCode: null,
    signal: null,
    notes: [...notes, 'the launcher of the job died', ...still],
  };
}

/** The job's present state. A launcher gone without a result leaves it `unknown`. */
export function stateOf(folder: string): JobState {
  const start = started(folder);
  if (!start) return { state: 'absent', exitCode: null, signal: null, notes: [] };
  const alive = lives(start);
  // Read the result after checking the launcher, which may have ended in between.
  const result = readJson(folder, files.result) as Result | null;
  if (result) return ended(result, start.notes);
  return alive ? { state: 'running', exitCode: null, signal: null, notes: start.notes } : lost(folder, start.notes);
}

function group(folder: string, signal: NodeJS.Signals): void {
  const leader = running(folder);
  if (leader) signalGroup(leader, signal);
}

/** Whether the job is over: the group is gone and the launcher has recorded it, or is gone too. */
function isOver(folder: string): boolean {
  const leader = running(folder);
  return stateOf(folder).state !== 'running' && !(leader && groupLives(leader));
}

async function waitUntilOver(folder: string, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (!isOver(folder)) {
    if (Date.now() >= until) return false;
    await sleep(20);
  }
  return true;
}

async function endGroup(folder: string, graceMs: number): Promise<void> {
  group(folder, 'SIGTERM');
  if (await waitUntilOver(folder, graceMs)) return;
  group(folder, 'SIGKILL');
  if (await waitUntilOver(folder, afterKillMs)) return;
  throw unavailable(provider, 'the job does not end, though killed');
}

/** Creates the folder of a job killed before its start, so that a later start finds it over. */
function bar({ root, folder }: JobPlace): void {
  makeJobsFolder(root);
  makeFolder(folder, 0o711, (temporary) => {
    mkdirSync(join(temporary, dirname(files.started)), { mode: 0o700 });
    writeJson(temporary, files.started, { ...markOf(process.pid), notes: [] } satisfies Started);
    writeJson(temporary, files.result, { exitCode: null, signal: 'SIGTERM' } satisfies Result);
    for (const name of [files.stdout, files.stderr, files.kill, files.killed]) writeFileSync(join(temporary, name), '');
  });
}

/** Ends the job's group and awaits it. Completes a kill interrupted by the death of its worker. */
export async function killJob(place: JobPlace, graceMs: number): Promise<void> {
  const { folder } = place;
  if (!existsSync(folder)) bar(place);
  const wasAsked = existsSync(join(folder, files.kill));
  const before = stateOf(folder).state;
  if (existsSync(join(folder, files.killed)) || (before === 'exited' && !wasAsked)) return;
  writeFileSync(join(folder, files.kill), '');
  const { state, signal } = stateOf(folder);
  // A launcher that starts later sees the kill.
  if (state === 'absent') return;
  // It may have exited meanwhile; services it left running stay.
  if (state !== 'exited' || signal !== null) {
    await endGroup(folder, graceMs);
    await settled(folder, running(folder)?.readers ?? []);
  }
  writeFileSync(join(folder, files.killed), '');
}

/** Deletes the data of an ended job; refused while it runs. */
export async function forgetJob(folder: string): Promise<void> {
  if (stateOf(folder).state === 'running') throw refused(provider, 'the job still runs');
  const away = join(dirname(folder), `.${randomUUID()}`);
  if (!existsSync(folder)) return;
  await rename(folder, away);
  await rm(away, { recursive: true, force: true });
}
