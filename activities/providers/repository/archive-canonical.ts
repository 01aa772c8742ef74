// The canonical form of packages: a tar of files, folders and links without owner, with permission bits only and times in
// seconds. Hosts need only `tar`, and equal packages give equal bytes.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { Header, Pax } from 'tar';
import type { PackageEntry } from './archive-entry.ts';

const blockSize = 512;
const types = { file: 'File', directory: 'Directory', symlink: 'SymbolicLink', hardlink: 'Link' } as const;

function headerOf(entry: PackageEntry): Buffer {
  const path = entry.kind === 'directory' ? `${entry.path}/` : entry.path;
  const fields = {
    path,
    mode: entry.mode,
    uid: 0,
    gid: 0,
    size: entry.size,
    mtime: new Date(entry.mtime * 1000),
    type: types[entry.kind],
    ...(entry.target === null ? {} : { linkpath: entry.target }),
  };
  const header = new Header(fields);
  const block = Buffer.alloc(blockSize);
  const isTooMuch = header.encode(block);
  if (!isTooMuch) return block;
  const { linkpath } = header;
  const extension = new Pax({ path, size: entry.size, ...(linkpath === undefined ? {} : { linkpath }) }).encode();
  return Buffer.concat([extension, block]);
}

/** Writes a canonical tar entry by entry, and returns its SHA-256 at the end. */
export class TarWriter {
  readonly #hash = createHash('sha256');
  readonly #stream: WriteStream;
  readonly #done: Promise<void>;

  /** `file` must not exist. */
  constructor(file: string) {
    this.#stream = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
    this.#done = finished(this.#stream);
    this.#done.catch(() => undefined);
  }

  async #write(data: Buffer): Promise<void> {
    this.#hash.update(data);
    // An error of the stream ends the wait too: `#done` rejects with it.
    if (!this.#stream.write(data)) await Promise.race([once(this.#stream, 'drain'), this.#done]);
  }

  /** `seen` receives every chunk of the content. */
  async add(entry: PackageEntry, seen: (chunk: Buffer) => void = () => undefined): Promise<void> {
    await this.#write(headerOf(entry));
    for await (const chunk of entry.content()) {
      seen(chunk);
      await this.#write(chunk);
    }
    await this.#write(Buffer.alloc(-entry.size & (blockSize - 1)));
  }

  /** Ends the archive; resolves with the SHA-256 once it is flushed to disk. */
  async finish(): Promise<string> {
    await this.#write(Buffer.alloc(2 * blockSize));
    this.#stream.end();
    await this.#done;
    return this.#hash.digest('hex');
  }

  abandon(): void {
    this.#stream.destroy();
  }
}
