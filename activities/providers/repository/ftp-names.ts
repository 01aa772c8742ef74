// Names in FTP are bytes, and only whoever set up the server knows their encoding. The connection carries bytes (Latin-1, one
// character for each), and they are read and written here as the repository says.
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

  /** What is sent for a text; null for one that this encoding does not have. */
  sent(text: string): string | null {
    return bytesOf(this.encoding, text)?.toString('latin1') ?? null;
  }

  /** What is sent for a path; refuses one that can't be. */
  path(path: string): string {
    if (hasControls(path)) throw new InvalidPackageError('path', path, 'FTP has no control characters');
    const sent = this.sent(path);
    if (sent === null)
      throw new InvalidPackageError('path', path, `the repository's names are ${titles[this.encoding]}`);
    return sent;
  }

  /** A name as it came; refuses one that is not in this encoding, or would be sent in other bytes. */
  name(came: string): string {
    const bytes = Buffer.from(came, 'latin1');
    const name = nameIn(this.encoding, bytes);
    if (name !== null && this.sent(name) === came) return name;
    const text = `the name is not ${titles[this.encoding]}: set the encoding of the repository, or rename it`;
    throw new InvalidPackageError('path', shownBytes(bytes), text);
  }
}
