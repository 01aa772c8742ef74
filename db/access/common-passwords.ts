import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const lines = readFileSync(join(import.meta.dirname, 'common-passwords.txt'), 'utf8').split('\n');

/** Passwords of ten characters and more that guessers try first, in lower case. */
export const commonPasswords: ReadonlySet<string> = new Set(
  lines.filter((line) => line !== '' && !line.startsWith('# ')),
);
