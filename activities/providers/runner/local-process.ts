// Processes of jobs and their groups. Pids are reused, so a process is known by its pid and its start. A zombie counts as
// dead: in a container it may never be reaped.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { processIdentity, procStat } from '../../../kit/process-identity.ts';

export interface ProcessMark {
  pid: number;
  start: string;
}

interface LinuxStat {
  state: string;
  isDead: boolean;
  group: number;
}

function statOnLinux(pid: number | string): LinuxStat | null {
  const fields = procStat(pid);
  return fields ? { state: fields[0] ?? '', isDead: /[ZX]/.test(fields[0] ?? ''), group: Number(fields[2]) } : null;
}

/** The start of a process in comparable form, as jobs that run have it; null when no living process has this pid. */
const startOf = (pid: number): string | null => processIdentity(pid)?.replace('/', ':') ?? null;

/** The identity of a living process; the start is empty (never equal to a real one) when it is gone. */
export function markOf(pid: number): ProcessMark {
  return { pid, start: startOf(pid) ?? '' };
}

/** Whether exactly this process still lives. */
export function lives(mark: ProcessMark): boolean {
  return mark.start !== '' && startOf(mark.pid) === mark.start;
}

function statesByPs(group: number): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8', timeout: 5000 }).split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.filter(([id]) => Number(id) === group).map(([, state = '']) => state);
}

function statesOnLinux(group: number): string[] {
  const found = readdirSync('/proc').map((name) => (/^\d+$/.test(name) ? statOnLinux(name) : null));
  return found.filter((stat) => stat?.group === group).map((stat) => stat?.state ?? '');
}

/** Whether a group's leader and helpers are idle: they sleep waiting for input, or have ended. */
export function isIdle(leader: ProcessMark): boolean {
  if (!lives(leader)) return true;
  const states = process.platform === 'linux' ? statesOnLinux(leader.pid) : statesByPs(leader.pid);
  return states.every((state) => /^[SIZX]/.test(state));
}

function isOurs(leader: ProcessMark): boolean {
  const present = startOf(leader.pid);
  return present === null || present === leader.start;
}

/**
 * Signals the group that this process led. A group outlives its leader and reserves the number, so the group is ours unless
 * another process owns the number.
 */
export function signalGroup(leader: ProcessMark, signal: NodeJS.Signals): void {
  if (!isOurs(leader)) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // The group is gone, as intended.
  }
}

/** Whether any process of the group that this process led still lives. */
export function groupLives(leader: ProcessMark): boolean {
  if (!isOurs(leader)) return false;
  try {
    process.kill(-leader.pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  const isMember = (stat: LinuxStat | null): boolean => stat !== null && stat.group === leader.pid && !stat.isDead;
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isMember(statOnLinux(name)));
}
