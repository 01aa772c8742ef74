// Decodes file names, which are bytes of an undeclared encoding: UTF-8 if valid, else GBK (zips from Chinese Windows, old
// tars), else refused. Never substitutes characters, as another name is another file. Short names may be valid in both, so
// the plan shows which encoding was chosen.
import type { RepositoryEncoding } from '../../../kit/repository-address.ts';
import type { PackageNotes } from './notes.ts';
import { InvalidPackageError } from './refusal.ts';

// A byte order mark is part of the name.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const gbk = new TextDecoder('gbk', { fatal: true, ignoreBOM: true });

export type NameEncoding = RepositoryEncoding;
const decoders = { utf8, gbk } as const;

/** Decodes a name; null when the bytes are invalid in this encoding. */
export function nameIn(encoding: NameEncoding, bytes: Uint8Array): string | null {
  try {
    return decoders[encoding].decode(bytes);
  } catch {
    return null;
  }
}

/** A name's bytes for messages: non-ASCII ones as Latin-1. */
export const shownBytes = (bytes: Buffer): string => bytes.toString('latin1');

/** Decodes a UTF-8 name; refuses other encodings. */
export function utf8Name(bytes: Buffer): string {
  const name = nameIn('utf8', bytes);
  if (name === null) throw new InvalidPackageError('path', shownBytes(bytes), 'the name is not UTF-8');
  return name;
}

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);

/** Two bytes of UTF-8 may well be a GBK character; three rarely fit by chance. */
const isUncertain = (name: string): boolean => /^[\0-\u07ff]*$/.test(name);

/** Decodes a name of an archive without declared encoding; refuses all but UTF-8 and GBK. */
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

/** Maps characters to two bytes of GBK, derived from the decoder. */
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

/** Encodes a name in GBK, null if it has other characters. */
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

/** Encodes a name, null if the encoding can't represent it. */
export const bytesOf = (encoding: NameEncoding, name: string): Buffer | null =>
  encoding === 'utf8' ? Buffer.from(name) : gbkBytes(name);
