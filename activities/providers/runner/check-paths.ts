import { refused, unavailable } from '../error.ts';
import type { EndedTasks } from './driver.ts';

const hostName = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const jobName = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,199}$/;
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a job's id belongs to an ended task. */
export function isOfEnded(id: string, { below, except }: EndedTasks): boolean {
  const task = Number(/^t([1-9]\d{0,14})-/.exec(id)?.[1] ?? below);
  return task < below && !except.includes(task);
}

/** Refuses an invalid host name (it becomes part of paths). */
export function checkHostName(provider: string, name: string): void {
  if (!hostName.test(name)) throw refused(provider, `not a host name: ${JSON.stringify(name.slice(0, 80))}`);
}

/** Refuses a job id that is not a portable file name. */
export function checkJobId(provider: string, id: string): void {
  if (!jobName.test(id)) throw refused(provider, `not a job id: ${JSON.stringify(id.slice(0, 80))}`);
}

/** Refuses invalid environment variables; the message names the variable, never its value. */
export function checkEnvironment(provider: string, env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!variable.test(name)) throw refused(provider, `not a variable name: ${JSON.stringify(name.slice(0, 80))}`);
    if (value.includes('\0')) throw refused(provider, `the variable ${name} holds a NUL`);
  }
}

/** Refuses an application's path that is not absolute, or contains `..` or NUL. */
export function checkPath(provider: string, path: string): void {
  const bad = !path.startsWith('/') || path.includes('\0') || path.split('/').includes('..');
  if (bad) throw refused(provider, `not an absolute path without "..": ${JSON.stringify(path.slice(0, 200))}`);
}

/** Throws if the caller has aborted. */
export function ensureWanted(provider: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw unavailable(provider, 'it was given up');
}

/** The name of a file kept for a step; refused unless it lies in a folder of its task. */
export function keptName(provider: string, { kept }: { kept: string }): string {
  if (!/^t[1-9]\d{0,18}\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(kept)) {
    throw refused(provider, `not a name by which files are kept for steps: ${JSON.stringify(kept.slice(0, 80))}`);
  }
  return kept;
}
