// Identifies processes by pid and start, as pids are reused: on Linux the boot's id and the start in clock ticks, elsewhere
// the output of `ps`. A zombie counts as dead: in a container it may never be reaped.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export interface ProcessMark {
  pid: number;
  start: string;
}

interface LinuxStat {
  state: string;
  isDead: boolean;
  group: number;
  startTicks: string;
}

function statOnLinux(pid: number | string): LinuxStat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] ?? '';
    return { state, isDead: /[ZX]/.test(state), group: Number(fields[2]), startTicks: fields[19] ?? '' };
  } catch {
    return null;
  }
}

function startOnLinux(pid: number): string | null {
  const stat = statOnLinux(pid);
  if (!stat || stat.isDead) return null;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${stat.startTicks}`;
}

function fieldsByPs(pid: number): string[] {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 5000 });
    return line.trim().split(/\s+/);
  } catch {
    return [];
  }
}

function startByPs(pid: number): string | null {
  const [status, ...start] = fieldsByPs(pid);
  return !status || status.startsWith('Z') ? null : start.join(' ');
}

/** The start of a process in comparable form; null when no living process has this pid. */
function startOf(pid: number): string | null {
  return process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
}

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
