// The presentation form of servers and master files: names with a trailing dot, TXT as quoted strings of at most 255 octets.
// Values of types that people don't make are in this form already.
const longestString = 255;

/** Which words of a value are names, from the front; a negative index counts from the back. */
const nameAt: Record<string, number> = {
  CNAME: 0,
  NS: 0,
  PTR: 0,
  ALIAS: 0,
  DNAME: 0,
  MX: 1,
  SRV: 3,
  HTTPS: 1,
  SVCB: 1,
  NAPTR: -1,
};

/** Words; a quoted string, also within a word, is one. */
const words = (text: string): string[] => text.match(/(?:"(?:[^"\\]|\\.)*"|\\.|[^\s"\\])+/gs) ?? [];

function withName(type: string, text: string, change: (name: string) => string): string {
  const index = nameAt[type];
  if (index === undefined) return text;
  const found = words(text);
  const at = index < 0 ? found.length + index : index;
  return found.map((word, place) => (place === at ? change(word) : word)).join(' ');
}

const octetText = (octet: number): string => {
  if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
  return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`;
};

/** Undoes the escapes of a quoted string's inside. */
function unescaped(text: string): Buffer {
  const raw = Buffer.from(text, 'utf8');
  const octets: number[] = [];
  for (let at = 0; at < raw.length; at += 1) {
    const octet = raw[at] ?? 0;
    const digits = octet === 0x5c ? /^\d{3}/.exec(raw.toString('latin1', at + 1, at + 4))?.[0] : undefined;
    if (digits !== undefined) {
      octets.push(Number(digits) & 0xff);
      at += 3;
    } else octets.push(octet === 0x5c ? (raw[(at += 1)] ?? 0) : octet);
  }
  return Buffer.from(octets);
}

const wholeStrings = /^\s*(?:"(?:[^"\\]|\\.)*"\s*)+$/s;

/** The octets of a TXT value of Slipway, or of a server. */
export const txtOctets = (value: string): Buffer =>
  wholeStrings.test(value)
    ? Buffer.concat(words(value).flatMap((word) => (word.match(/"(?:[^"\\]|\\.)*"/gs) ?? []).map((one) => unescaped(one.slice(1, -1)))))
    : Buffer.from(value, 'utf8');

/** Strings of at most 255 octets, quoted; at least one. */
export function quotedStrings(octets: Buffer): string {
  const strings: string[] = [];
  for (let at = 0; at === 0 || at < octets.length; at += longestString)
    strings.push(`"${[...octets.subarray(at, at + longestString)].map(octetText).join('')}"`);
  return strings.join(' ');
}

/** A value of Slipway in presentation form. */
export function presentationOf(type: string, value: string): string {
  if (type === 'TXT') return quotedStrings(txtOctets(value));
  return withName(type, value, (name) => (name.endsWith('.') ? name : `${name}.`));
}

/** A server's presentation form with names as Slipway writes them. */
export const valueOfPresentation = (type: string, content: string): string =>
  withName(type, content.trim(), (name) => (name === '.' ? name : name.replace(/(?<!\\)\.$/, '').toLowerCase()));
