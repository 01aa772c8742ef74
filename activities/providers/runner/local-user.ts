import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { refused } from '../error.ts';
import type { Job } from './driver.ts';

const userName = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?$/;
const setpriv = '/usr/bin/setpriv';

interface SystemUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

const run = promisify(execFile);

async function lookUp(program: string, args: string[]): Promise<string | null> {
  try {
    return (await run(program, args, { encoding: 'utf8', timeout: 5000 })).stdout.trim();
  } catch {
    return null;
  }
}

/** Finds a system user by name through the system, including directory services; null when they do not exist. */
async function findUser(name: string): Promise<SystemUser | null> {
  if (!userName.test(name)) return null;
  const line = await lookUp('getent', ['passwd', name]);
  if (line !== null) {
    const [, , uid, gid, , home] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid), home: home || '/' };
  }
  const uid = await lookUp('id', ['-u', name]);
  const gid = await lookUp('id', ['-g', name]);
  return uid && gid ? { name, uid: Number(uid), gid: Number(gid), home: '/' } : null;
}

export interface RunAs {
  /** Null: as the worker's own user. */
  user: SystemUser | null;
  home: string;
  name: string;
}

interface Wish {
  user: Job['user'];
  neverRoot?: boolean | undefined;
}

/** The user for a job; refused if it is impossible or forbidden to run as the named one. */
export async function chooseUser({ user: wanted, neverRoot = false }: Wish): Promise<RunAs> {
  const own = userInfo();
  if (!wanted || wanted === own.username) return { user: null, home: own.homedir, name: own.username };
  const user = await findUser(wanted);
  if (!user) throw refused('local', `there is no user ${wanted} on this host`);
  if (process.getuid?.() !== 0) {
    throw refused('local', `nothing can run as ${wanted} on this host: ${own.username} is not root`);
  }
  if (neverRoot && user.uid === 0) throw refused('local', `${wanted} is root on this host`);
  return { user, home: user.home, name: user.name };
}

/** The command line and options that start a program as this user, with their supplementary groups if possible. */
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
