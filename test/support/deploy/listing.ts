// Lists everything on a local host, so that two moments can be compared and any leftover of a sub-task shows.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Kept on purpose on a local host: what jobs were told and have said, for some days, and the runner's compiled launcher. */
export const runnersOwn = '.slipway';

/** By path below `root`: kind, permissions, a link's target, the hash of a file's contents. What is `leftOut` is not looked into. */
export function listing(root: string, leftOut: readonly string[] = [runnersOwn]): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(root, folder)).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (leftOut.includes(path)) continue;
      found[path] = describe(join(root, path));
      if (lstatSync(join(root, path)).isDirectory()) walk(path);
    }
  };
  walk('');
  return found;
}

function describe(path: string): string {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (stat.isDirectory()) return `folder ${mode}`;
  if (!stat.isFile()) return `something else ${mode}`;
  return `file ${mode} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

/** The commands that run on a local host, of any user; empty where the system does not list them. */
export function processesOf(root: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  const mine = `SLIPWAY_HOST_ROOT=${root}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && textOf(`/proc/${name}/environ`).split('\0').includes(mine))
    .map((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim())
    .sort();
}

/** Empty for a process that has ended meanwhile, or is another user's. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
