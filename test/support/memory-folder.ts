// Where a run keeps the data of its servers: in memory where there is plenty. A test database is some hundred files, and the
// disk's bookkeeping of files made and dropped took more of the processors than what many tests do with them.
import { readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const shared = '/dev/shm';
export const prefix = 'slipway-test-';
/** PostgreSQL keeps up to two of its log. */
const plentyBytes = 6 * 2 ** 30;
const dayMs = 86_400_000;

/** The folder in which a run may make its own. */
export const spaciousFolder = (): string => (hasPlenty() ? shared : tmpdir());

/** Whether the memory has room for a run, once what killed runs left there has gone. */
function hasPlenty(): boolean {
  try {
    removeLeftovers();
    const { bavail, bsize } = statfsSync(shared);
    return Math.min(bavail * bsize, process.availableMemory()) >= plentyBytes;
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
