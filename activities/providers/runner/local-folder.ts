// A job's folder on a local host, the only state shared by driver and launcher. Every state change is one rename: the folder
// with its job, `started` with the launcher's mark, `process`, `result`. So a crash between two of them leaves a defined
// state.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, syncPath } from '../../../kit/atomic-file.ts';
import type { Job } from './driver.ts';
import type { ProcessMark } from './local-process.ts';

/** The launcher's input (job.json). */
export interface JobOrder {
  language: Job['script']['language'];
  cwd: string;
  env: Record<string, string>;
  user: string | null;
  neverRoot?: boolean | undefined;
  /** Absent in orders of an earlier version. */
  outputLimitBytes?: number;
}

/** Written by the launcher before it runs anything (started/launcher.json). */
export interface Started extends ProcessMark {
  notes: string[];
}

/** The leader of the job's group, and its output readers (process.json). */
export interface RunningJob extends ProcessMark {
  readers: ProcessMark[];
}

/** The job's end (result.json). */
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

/** Reads a JSON file of the folder; null when it does not exist. */
export function readJson(folder: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Writes a file atomically and durably; never creates the folder again. */
export const writeJson = (folder: string, name: string, value: object): void =>
  replaceFile(join(folder, name), JSON.stringify(value), 0o600);

/** Creates `folder` with the content from `fill` atomically; false, without effect, when it exists. */
export function makeFolder(folder: string, mode: number, fill: (folder: string) => void): boolean {
  const temporary = join(dirname(folder), `.${randomUUID()}`);
  mkdirSync(temporary, { mode });
  try {
    fill(temporary);
    syncPath(temporary);
    renameSync(temporary, folder);
    syncPath(dirname(folder));
    return true;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}
