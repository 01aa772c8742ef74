// A job's folder on a local host, the only thing that driver and launcher share. Whatever counts as "it happened" is one
// rename: the folder with its job, `started` with the launcher's mark, `process`, `result`. So every crash between
// two of them leaves a state that can be named.
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Job } from './driver.ts';
import type { ProcessMark } from './local-process.ts';

/** What the launcher is told (job.json). */
export interface JobOrder {
  language: Job['script']['language'];
  cwd: string;
  env: Record<string, string>;
  user: string | null;
  neverRoot?: boolean | undefined;
  /** Missing in an order of an earlier version. */
  outputLimitBytes?: number;
}

/** What the launcher says before it runs anything (started/launcher.json). */
export interface Started extends ProcessMark {
  notes: string[];
}

/** The leader of the job's group, and who reads its output (process.json). */
export interface Running extends ProcessMark {
  readers: ProcessMark[];
}

/** How it ended (result.json). */
export interface Result {
  exitCode: number | null;
  signal: string | null;
}

export const files = {
  order: 'job.json',
  script: 'script',
  stdout: 'stdout',
  stderr: 'stderr',
  started: 'started/launcher.json',
  process: 'process.json',
  kill: 'kill',
  killed: 'killed',
  result: 'result.json',
} as const;

/** Reads a JSON file of the folder; null when it isn't there. */
export function readJson(folder: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Makes a file or folder durable. */
export function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes a file whole or not at all, and durably. */
export function writeJson(folder: string, name: string, value: object): void {
  const temporary = join(folder, `.${randomUUID()}`);
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(fd, JSON.stringify(value));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, join(folder, name));
  sync(folder);
}

/** Makes `folder` with what `fill` puts into it in one step; false when it exists already (then nothing changes). */
export function makeFolder(folder: string, mode: number, fill: (folder: string) => void): boolean {
  const temporary = join(dirname(folder), `.${randomUUID()}`);
  mkdirSync(temporary, { mode });
  try {
    fill(temporary);
    sync(temporary);
    renameSync(temporary, folder);
    sync(dirname(folder));
    return true;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}
