// Killing a server's first process leaves others that end soon, unless frozen or waiting for a disk. Until then its shared
// memory is in use, and another server on the same data refuses to start.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const shm = '/proc/sysvipc/shm';
const patienceMs = 30_000;
const pollMs = 200;

/** Number of processes attached to the memory that a server's pid file names, by the kernel's table. */
export function memoryHolders(pidFile: string, table: string): number {
  const [, id] = (pidFile.split('\n')[6] ?? '').trim().split(/\s+/);
  const [header = '', ...rows] = table.split('\n').map((line) => line.trim().split(/\s+/));
  if (id === undefined || typeof header === 'string') return 0;
  const [shmid, attached] = [header.indexOf('shmid'), header.indexOf('nattch')];
  return Number(rows.find((row) => row[shmid] === id)?.[attached] ?? 0);
}

/** Waits until no process of a dead server holds its memory; throws on a timeout. */
export async function untilMemoryIsFree(pidFile: string, ms = patienceMs): Promise<void> {
  if (!existsSync(shm) || !existsSync(pidFile)) return;
  const text = readFileSync(pidFile, 'utf8');
  const end = performance.now() + ms;
  for (;;) {
    const holders = memoryHolders(text, readFileSync(shm, 'utf8'));
    if (holders === 0) return;
    if (performance.now() > end)
      throw new Error(
        `${holders} processes of a PostgreSQL that was killed still hold the memory of its data (${pidFile}): they are ` +
          'frozen or wait for a disk; end or resume them, and start again',
      );
    await pause(pollMs);
  }
}
