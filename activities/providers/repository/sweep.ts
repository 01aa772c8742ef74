// Evicts least recently used packages and repository copies beyond a size. Workers share these folders and can't see each
// other's use, so entries used within the last hour stay, even beyond the size.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gitFolder } from './git/git.ts';

interface Sweep {
  dataDir: string;
  packages: string;
  mostBytes: number;
  isInUse: (path: string) => boolean;
}

interface Kept {
  path: string;
  bytes: number;
  /** Time of its last use, in ms. */
  time: number;
}

const stillWantedMs = 60 * 60_000;
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch((): string[] => []);
const statOf = (path: string) => stat(path).catch(() => null);

async function bytesOf(path: string): Promise<number> {
  const found = await statOf(path);
  if (!found?.isDirectory()) return found?.size ?? 0;
  let total = 0;
  for (const name of await namesIn(path)) total += await bytesOf(join(path, name));
  return total;
}

async function keptIn(folder: string, isKept: (name: string) => boolean): Promise<Kept[]> {
  const found: Kept[] = [];
  for (const name of (await namesIn(folder)).filter(isKept)) {
    const path = join(folder, name);
    const seen = await statOf(path);
    if (seen) found.push({ path, bytes: await bytesOf(path), time: seen.mtimeMs });
  }
  return found;
}

/** Evicts packages and repository copies beyond `mostBytes`, and deletes unfinished files of killed workers. */
export async function sweepPackages({ dataDir, packages, mostBytes, isInUse }: Sweep): Promise<void> {
  const copies = gitFolder(dataDir);
  const isOld = async ({ path }: Kept): Promise<boolean> => {
    const found = await statOf(path);
    return found !== null && Date.now() - found.mtimeMs > stillWantedMs && !isInUse(path);
  };
  const drop = async (one: Kept): Promise<boolean> => {
    if (!(await isOld(one))) return false;
    if (one.path.endsWith('.tar')) await rm(one.path.replace(/\.tar$/, '.json'), { force: true });
    await rm(one.path, { recursive: true, force: true });
    return true;
  };
  // Includes keys of repositories, which are in `.access-…` during use.
  const unfinished = (name: string): boolean => name.startsWith('.');
  for (const one of [...(await keptIn(packages, unfinished)), ...(await keptIn(copies, unfinished))]) await drop(one);

  const tars = await keptIn(packages, (name) => !unfinished(name) && name.endsWith('.tar'));
  const all = [...tars, ...(await keptIn(copies, (name) => name.endsWith('.git')))].sort((a, b) => a.time - b.time);
  let total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const one of all) {
    if (total <= mostBytes) return;
    if (await drop(one)) total -= one.bytes;
  }
}
