// Identifies a process by id and start time, as ids are reused. The start is counted in ticks since boot, because the clock
// may be set back.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const dead = 'dead';

/** A text unique to this process; undefined when it is dead (or a zombie). */
export function processIdentity(pid: number): string | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0 || !exists(pid)) return undefined;
  const identity = identityFromProc(pid) ?? identityFromPs(pid);
  return identity === dead ? undefined : identity;
}

/** Whether exactly the process with `identity` still lives. */
export function isAlive(pid: number, identity: string): boolean {
  return processIdentity(pid) === identity;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The fields of Linux' /proc/<pid>/stat from the third, the state, on; undefined elsewhere, and without such a process. */
export function procStat(pid: number | string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function identityFromProc(pid: number): string | undefined {
  const fields = procStat(pid);
  if (fields === undefined) return undefined;
  if (fields[0] === 'Z' || fields[0] === 'X') return dead;
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function identityFromPs(pid: number): string | undefined {
  try {
    const env = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [state = '', ...start] = line.trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? dead : start.join(' ');
  } catch {
    return undefined;
  }
}
