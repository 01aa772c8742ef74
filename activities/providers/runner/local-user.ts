import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';

const userName = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?$/;
const setpriv = '/usr/bin/setpriv';

export interface SystemUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

function lookUp(program: string, args: string[]): string | null {
  try {
    return execFileSync(program, args, { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

/** A user of this system by name, null when there is none; asks the system, so directories count too. */
export function findUser(name: string): SystemUser | null {
  if (!userName.test(name)) return null;
  const line = lookUp('getent', ['passwd', name]);
  if (line !== null) {
    const [, , uid, gid, , home] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid), home: home || '/' };
  }
  const uid = lookUp('id', ['-u', name]);
  const gid = lookUp('id', ['-g', name]);
  return uid && gid ? { name, uid: Number(uid), gid: Number(gid), home: '/' } : null;
}

export interface RunAs {
  /** Null: as the worker's own user. */
  user: SystemUser | null;
  home: string;
  name: string;
  note: string | null;
}

/** As whom a job runs: the wanted user when we are root and he exists, else ourselves with a note that says so. */
export function chooseUser(wanted: string | null): RunAs {
  const own = userInfo();
  const asOwn = (note: string | null): RunAs => ({ user: null, home: own.homedir, name: own.username, note });
  if (wanted === null || wanted === own.username) return asOwn(null);
  if (process.getuid?.() !== 0) return asOwn(`runs as ${own.username}: only root can run it as ${wanted}`);
  const user = findUser(wanted);
  if (!user) return asOwn(`runs as ${own.username}: there is no user ${wanted} here`);
  return { user, home: user.home, name: user.name, note: null };
}

/** The command line and options that start a program as this user, with his supplementary groups where possible. */
export function commandAs(
  user: SystemUser | null,
  program: string[],
): { program: string; args: string[]; uid?: number; gid?: number } {
  const [first = '', ...rest] = program;
  if (!user) return { program: first, args: rest };
  if (existsSync(setpriv)) {
    const as = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--', ...program];
    return { program: setpriv, args: as };
  }
  return { program: first, args: rest, uid: user.uid, gid: user.gid };
}
