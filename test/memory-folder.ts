// Where a run keeps all that it throws away at its end: in memory where there is plenty. A test database is some hundred
// files, and the disk's bookkeeping of files made and dropped took more of the processors than what the tests do with them.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const shared = '/dev/shm';
const prefix = 'slipway-test-';
/** PostgreSQL keeps up to two of its log. */
const plentyBytes = 6 * 2 ** 30;
const dayMs = 86_400_000;

/** Makes the temporary folder (TMPDIR) of a run; returns what removes it. */
export function temporaryFolder(): () => void {
  const folder = mkdtempSync(join(hasPlenty() ? shared : tmpdir(), prefix));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Servers and steps run as users of their own, and read and write below it.
  chmodSync(folder, 0o1777);
  process.env.TMPDIR = folder;
  return remove;
}

/** Whether the memory has room for a run, once what killed runs left there has gone. */
function hasPlenty(): boolean {
  try {
    removeLeftovers();
    const { bavail, bsize } = statfsSync(shared);
    return Math.min(bavail * bsize, process.availableMemory()) >= plentyBytes && runsPrograms();
  } catch {
    return false;
  }
}

function removeLeftovers(): void {
  for (const name of readdirSync(shared).filter((one) => one.startsWith(prefix))) {
    const folder = join(shared, name);
    if (Date.now() - statSync(folder).mtimeMs > dayMs) rmSync(folder, { recursive: true, force: true });
  }
}

/** Some machines let nothing be run there. */
function runsPrograms(): boolean {
  const folder = mkdtempSync(join(shared, prefix));
  try {
    const program = join(folder, 'program');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 });
    execFileSync(program);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
