// Names of files are bytes, and nobody says in which encoding. What is valid UTF-8 is UTF-8; else it is GBK, which zips made
// on a Chinese Windows and old tars have, if it decodes as that; else it is refused. Nothing is ever replaced: a file of
// another name is another file. A name that is short may be valid in both, and what was decided is told in the plan.
import type { RepositoryEncoding } from '../../../kit/repository-address.ts';
import type { PackageNotes } from './notes.ts';
import { InvalidPackageError } from './refusal.ts';

// A byte order mark is a part of the name like any other character.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const gbk = new TextDecoder('gbk', { fatal: true, ignoreBOM: true });

export type NameEncoding = RepositoryEncoding;
const decoders = { utf8, gbk } as const;

/** The text of a name, null when the bytes are not of this encoding. */
export function nameIn(encoding: NameEncoding, bytes: Uint8Array): string | null {
  try {
    return decoders[encoding].decode(bytes);
  } catch {
    return null;
  }
}

/** Bytes of a name in words: those that are no ASCII are shown as Latin-1. */
export const shownBytes = (bytes: Buffer): string => bytes.toString('latin1');

/** A name in UTF-8; refuses another one. */
export function utf8Name(bytes: Buffer): string {
  const name = nameIn('utf8', bytes);
  if (name === null) throw new InvalidPackageError('path', shownBytes(bytes), 'the name is not UTF-8');
  return name;
}

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);

/** Two bytes of UTF-8 may well be a character of GBK; three that fit by chance are rare. */
const isUncertain = (name: string): boolean => /^[\0-\u07ff]*$/.test(name);

/** Reads a name in an archive that does not say how it is encoded; refuses what is neither UTF-8 nor GBK. */
export function guessedName(bytes: Buffer, notes: PackageNotes): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  const name = nameIn('utf8', bytes);
  const other = nameIn('gbk', bytes);
  if (name !== null) {
    if (other !== null && isUncertain(name)) notes.add('ambiguous_names', name);
    return name;
  }
  if (other === null) throw new InvalidPackageError('path', shownBytes(bytes), 'the name is neither UTF-8 nor GBK');
  notes.add('gbk_names', other);
  return other;
}

let table: Map<string, number> | undefined;

/** What two bytes of GBK stand for each character, made from the decoder. */
function gbkTable(): Map<string, number> {
  if (table) return table;
  table = new Map();
  const pair = Buffer.alloc(2);
  for (let code = 0x8140; code <= 0xfefe; code += 1) {
    pair.writeUInt16BE(code);
    const character = nameIn('gbk', pair);
    if (character !== null && [...character].length === 1 && !table.has(character)) table.set(character, code);
  }
  return table;
}

/** The bytes of a name in GBK, null for one that has other characters. */
function gbkBytes(name: string): Buffer | null {
  const bytes: number[] = [];
  for (const character of name) {
    const code = character < '\x80' ? character.charCodeAt(0) : gbkTable().get(character);
    if (code === undefined) return null;
    if (code > 0xff) bytes.push(code >> 8);
    bytes.push(code & 0xff);
  }
  return Buffer.from(bytes);
}

/** The bytes of a name in an encoding, null for one that it does not have. */
export const bytesOf = (encoding: NameEncoding, name: string): Buffer | null =>
  encoding === 'utf8' ? Buffer.from(name) : gbkBytes(name);
