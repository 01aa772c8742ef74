import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The TypeScript files below a folder, relative to it, in order. */
export const sourceNames = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort();

/** A name for what is built from these sources and `base` (the version of a tool, a lock file): the same only if both are. */
export function sourceHash(folder: string, base: string | Buffer): string {
  const hash = createHash('sha256').update(base);
  for (const name of sourceNames(folder)) hash.update(`\n${name}\n`).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
