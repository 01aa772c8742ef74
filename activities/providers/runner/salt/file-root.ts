// Packages for minions, in a folder served by the master: written once by checksum, fetched by every minion.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { refused, unavailable } from '../../error.ts';

const folderName = 'slipway';
const keptMs = 24 * 3600 * 1000;

async function checksumOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function isThere(path: string, sha256: string): Promise<boolean> {
  const found = await checksumOf(path).catch(() => null);
  if (found !== sha256) return false;
  await utimes(path, new Date(), new Date());
  return true;
}

/** Deletes files unused since yesterday. */
async function tidy(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > keptMs) await rm(path, { force: true });
  }
}

/** Publishes a file to minions; returns its URL. */
export async function offer(root: string, { source, sha256 }: { source: string; sha256: string }): Promise<string> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw refused('salt', 'not a checksum of a file');
  const folder = join(root, folderName);
  const path = join(folder, sha256);
  try {
    await mkdir(folder, { recursive: true });
    if (!(await isThere(path, sha256))) {
      const temporary = join(folder, `.${randomUUID()}`);
      await copyFile(source, temporary);
      await rename(temporary, path);
    }
    await tidy(folder);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'it failed';
    throw unavailable('salt', `the package cannot be put into the folder of SLIPWAY_SALT_FILE_ROOT: ${reason}`);
  }
  return `salt://${folderName}/${sha256}`;
}
