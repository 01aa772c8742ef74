import { InvalidPackageError } from './refusal.ts';

/** Reads to the end and discards the data. */
export async function exhaust(source: AsyncIterable<unknown>): Promise<void> {
  const chunks = source[Symbol.asyncIterator]();
  while (!(await chunks.next()).done);
}

/** Reads exact numbers of bytes from a stream of chunks, buffering at most a chunk and the requested bytes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#rest = next.value;
    }
    return true;
  }

  /** The next `count` bytes in chunks; refuses a source that ends earlier. */
  async *chunks(count: number): AsyncGenerator<Buffer, void> {
    let left = count;
    while (left > 0) {
      if (!(await this.#more())) throw new InvalidPackageError('corrupt', null, 'the archive is cut short');
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  /** The next `count` bytes in one buffer. */
  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const chunk of this.chunks(count)) parts.push(chunk);
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** The text up to the next line feed, without it; refuses a line longer than `most` bytes. */
  async line(most: number): Promise<string> {
    const parts: Buffer[] = [];
    for (let length = 0; length <= most;) {
      if (!(await this.#more())) break;
      const end = this.#rest.indexOf(0x0a);
      const part = this.#rest.subarray(0, end < 0 ? undefined : end);
      parts.push(part);
      length += part.length;
      this.#rest = this.#rest.subarray(end < 0 ? part.length : end + 1);
      if (end >= 0 && length <= most) return Buffer.concat(parts).toString('utf8');
    }
    throw new InvalidPackageError('corrupt', null, 'a line is cut short or too long');
  }

  async skip(count: number): Promise<void> {
    await exhaust(this.chunks(count));
  }

  /** Reads and discards the rest, so that the checksum at the end of a compressed stream is verified. */
  async drain(): Promise<void> {
    while (await this.#more()) this.#rest = Buffer.alloc(0);
  }
}
