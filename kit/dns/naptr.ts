// The substitution of a NAPTR record (RFC 3402, 3.2): `!pattern!replacement!flags`, as strict as BIND, which refuses others.
import { refuse } from './refusals.ts';

/** Refuses a regexp that is not of this form, or refers to a group that it does not have. */
export function checkSubstitution(text: string): void {
  const [delimiter = '', ...characters] = text.match(/\\[^]|[^]/g) ?? [];
  const [pattern = '', replacement = '', flags = '', ...more] = pieces(characters, delimiter);
  if (/^[0-9i\\\0]/.test(delimiter) || more.length > 0 || pattern === '' || !/^i?$/.test(flags)) refuse('naptr_regexp');
  if (characters.filter((one) => one === delimiter).length !== 2) refuse('naptr_regexp');
  const groups = groupsIn(pattern);
  const references = [...replacement.matchAll(/\\([0-9])/g)].map(([, digit]) => Number(digit));
  if (groups === undefined || references.some((one) => one === 0 || one > groups)) refuse('naptr_regexp');
}

function pieces(characters: readonly string[], delimiter: string): string[] {
  const found = [''];
  for (const one of characters) {
    if (one === delimiter) found.push('');
    else found.push(`${found.pop() ?? ''}${one}`);
  }
  return found;
}

/** The number of groups of a pattern; undefined when it is none. */
function groupsIn(pattern: string): number | undefined {
  try {
    return (new RegExp(`${pattern}|`).exec('')?.length ?? 1) - 1;
  } catch {
    return undefined;
  }
}
