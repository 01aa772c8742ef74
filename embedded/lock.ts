// One stack per data folder. The lock file names its holder by process id and start time. A hard link creates it atomically,
// for one of two rivals only. A dead holder's lock is moved away and checked again, as a rival may have renewed it in
// between; the new holder verifies after a moment that it still holds the lock.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, processIdentity } from '../kit/process-identity.ts';

interface Holder {
  readonly pid: number;
  readonly identity: string;
  readonly address: string;
  readonly nonce: string;
}

const settleMs = 100;
const attempts = 20;

/** Thrown when another process uses the data folder; names that process and its address. */
export class AlreadyRunningError extends Error {
  readonly pid: number;
  readonly address: string;

  constructor(dataDir: string, holder: { pid: number; address: string }) {
    super(
      `Slipway already runs on ${dataDir}: process ${holder.pid}, ${holder.address}. ` +
        'Use that one, stop it first, or set SLIPWAY_DATA_DIR to another folder.',
    );
    this.name = 'AlreadyRunningError';
    this.pid = holder.pid;
    this.address = holder.address;
  }
}

/** Locks a data folder for this process; returns the unlock function. Throws `AlreadyRunning` while another holds it. */
export async function lockDataDir(dataDir: string, address: string): Promise<() => void> {
  const path = join(dataDir, 'lock');
  const nonce = randomBytes(8).toString('hex');
  const identity = processIdentity(process.pid) ?? '';
  const mine = JSON.stringify({ pid: process.pid, identity, address, nonce } satisfies Holder);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const present = read(path);
    const holder = parse(present);
    if (holder !== undefined && isAlive(holder.pid, holder.identity)) throw new AlreadyRunningError(dataDir, holder);
    if (present !== undefined) moveAway(path, present, nonce);
    if (!create(path, mine, nonce)) continue;
    if (present !== undefined) await delay(settleMs);
    if (read(path) === mine) {
      return () => {
        if (read(path) === mine) rmSync(path, { force: true });
      };
    }
  }
  throw new Error(`the lock ${path} changes all the time; is it on a file system without hard links?`);
}

function create(path: string, text: string, nonce: string): boolean {
  const own = `${path}.${nonce}`;
  writeFileSync(own, text, { mode: 0o644 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function moveAway(path: string, stale: string, nonce: string): void {
  const aside = `${path}.${nonce}.stale`;
  try {
    renameSync(path, aside);
    if (read(aside) !== stale) linkSync(aside, path);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string | undefined): Holder | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Holder);
  } catch {
    return undefined;
  }
}
