// The text of TXT records as people send and see it: bare where it can be sent back bare, else one quoted string of any
// length. How it is cut into strings of 255 octets is not kept.
import { concatenated, hasControls, octetsOf, quoted, quotedAscii, unescaped, utf8Of } from './octets.ts';

/** Whether a text is wholly quoted strings, with or without blanks between them; linear in its length. */
function quotedStrings(text: string): string[] | undefined {
  const strings: string[] = [];
  for (let at = 0; at < text.length;) {
    if (text[at] !== '"') return undefined;
    const start = at + 1;
    for (at = start; at < text.length && text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1;
    if (at >= text.length) return undefined;
    strings.push(text.slice(start, at));
    at += 1;
    if (at === text.length) return strings;
    while (text[at] === ' ' || text[at] === '\t') at += 1;
  }
  return undefined;
}

/** The octets that a value means. */
export function txtOctets(value: string): Uint8Array {
  const strings = quotedStrings(value);
  return strings === undefined ? octetsOf(value) : concatenated(strings.map(unescaped));
}

/** The canonical value of octets. */
export function txtValue(octets: Uint8Array): string {
  const text = utf8Of(octets);
  if (text === undefined) return quotedAscii(octets);
  const needsQuotes = text === '' || hasControls(text) || quotedStrings(text) !== undefined;
  return needsQuotes ? quoted(octets) : text;
}
