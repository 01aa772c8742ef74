// File names in FTP are bytes of an encoding that only the server's administrator knows. The connection transports them as
// Latin-1, one character per byte; this class converts them by the repository's configured encoding.
import { nameIn, bytesOf, shownBytes } from './names.ts';
import type { NameEncoding } from './names.ts';
import { InvalidPackageError } from './refusal.ts';

const titles: Record<NameEncoding, string> = { utf8: 'UTF-8', gbk: 'GBK' };
const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);

export class FtpNames {
  readonly encoding: NameEncoding;

  constructor(encoding: NameEncoding) {
    this.encoding = encoding;
  }

  /** Encodes a text for the wire; null if this encoding can't represent it. */
  sent(text: string): string | null {
    return bytesOf(this.encoding, text)?.toString('latin1') ?? null;
  }

  /** Encodes a path; refuses one that can't be represented. */
  path(path: string): string {
    if (hasControls(path)) throw new InvalidPackageError('path', path, 'FTP has no control characters');
    const sent = this.sent(path);
    if (sent === null)
      throw new InvalidPackageError('path', path, `the repository's names are ${titles[this.encoding]}`);
    return sent;
  }

  /** Decodes a name; refuses one that does not round-trip in this encoding. */
  name(came: string): string {
    const bytes = Buffer.from(came, 'latin1');
    const name = nameIn(this.encoding, bytes);
    if (name !== null && this.sent(name) === came) return name;
    const text = `the name is not ${titles[this.encoding]}: set the encoding of the repository, or rename it`;
    throw new InvalidPackageError('path', shownBytes(bytes), text);
  }
}
