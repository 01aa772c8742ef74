import type { StreamBlock } from './driver.ts';

/** The in-memory host's kept output: half of the limit from the stream's beginning, half from its end. */
export class MemoryStream {
  readonly #half: number;
  #head = Buffer.alloc(0);
  #end = Buffer.alloc(0);
  #size = 0;

  constructor(limitBytes: number) {
    this.#half = Math.floor(limitBytes / 2);
  }

  write(data: Buffer): void {
    const room = this.#half - this.#head.length;
    this.#head = Buffer.concat([this.#head, data.subarray(0, room)]);
    const rest = Buffer.concat([this.#end, data.subarray(room)]);
    this.#end = rest.subarray(Math.max(0, rest.length - this.#half));
    this.#size += data.length;
  }

  read(offset: number, limit: number): StreamBlock {
    const [head, size] = [this.#head, this.#size];
    const endBegins = size - this.#end.length;
    const isWhole = endBegins === head.length;
    const kept = isWhole ? Buffer.concat([head, this.#end]) : offset < head.length ? head : this.#end;
    const begin = isWhole || offset < head.length ? 0 : endBegins;
    const from = Math.max(offset, Math.min(begin, size));
    const data = Buffer.from(kept.subarray(from - begin, from - begin + limit));
    return { data, size, offset: from, isCut: kept === head && !isWhole && from + data.length === head.length };
  }
}
