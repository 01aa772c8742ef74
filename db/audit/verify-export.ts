// Verifies an export without the database. Every record is rehashed; in an unfiltered export the links must also form one
// chain from position 1 to the head. Records are in id order and late commits have later positions, so links are buffered.
// A rewrite of the whole file is detected by comparing the head with an anchor.
import { fieldsHash, genesisHash } from './chain.ts';
import { exportFormat, type ExportEnd, type ExportHead, type ExportLink } from './export.ts';

type ExportFault = 'not_an_export' | 'hash_mismatch' | 'broken_link' | 'gap' | 'count_differs' | 'incomplete';

interface ExportVerification {
  ok: boolean;
  /** Sealed records whose hash is right. */
  checked: number;
  /** Records that were not sealed yet when they were exported: nothing proves them. */
  unsealed: number;
  /** The links formed one chain from the first record to the head; otherwise each record was only checked separately. */
  whole: boolean;
  head: ExportEnd['head'] | null;
  first_bad: { line: number; id: number | null; reason: ExportFault } | null;
}

class ExportFaultError extends Error {
  readonly reason: ExportFault;
  readonly recordId: number | null;

  constructor(reason: ExportFault, recordId: number | null = null) {
    super(reason);
    this.reason = reason;
    this.recordId = recordId;
  }
}

/** Verifies the lines of an NDJSON export; never throws for what is in them. */
export async function verifyExport(lines: AsyncIterable<string> | Iterable<string>): Promise<ExportVerification> {
  const check = new Check();
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      check.take(text);
    }
    check.finish();
    return { ok: true, ...check.state(), first_bad: null };
  } catch (error) {
    if (!(error instanceof ExportFaultError)) throw error;
    return { ok: false, ...check.state(), first_bad: { line, id: error.recordId, reason: error.reason } };
  }
}

class Check {
  #head: ExportHead | undefined;
  #end: ExportEnd | undefined;
  #count = 0;
  #checked = 0;
  #unsealed = 0;
  #last: Omit<ExportLink, 'prev_hash'> = { position: 0, hash: genesisHash };
  readonly #waiting = new Map<number, { id: number; link: ExportLink }>();

  take(text: string): void {
    const value = parsed(text);
    if (this.#end) throw new ExportFaultError('not_an_export');
    if (!this.#head) this.#head = headOf(value);
    else if (value['end'] === true) this.#takeEnd(value as unknown as ExportEnd);
    else this.#takeRecord(value);
  }

  finish(): void {
    if (!this.#end) throw new ExportFaultError('incomplete');
  }

  state(): Pick<ExportVerification, 'checked' | 'unsealed' | 'whole' | 'head'> {
    return { checked: this.#checked, unsealed: this.#unsealed, whole: this.#whole(), head: this.#end?.head ?? null };
  }

  #whole(): boolean {
    return this.#head !== undefined && !this.#head.filtered && this.#head.from_id === null && this.#head.to_id === null;
  }

  #takeRecord({ chain: given, ...fields }: Record<string, unknown>): void {
    const chain = given as ExportLink | null | undefined;
    const id = typeof fields['id'] === 'number' ? fields['id'] : null;
    if (id === null || chain === undefined) throw new ExportFaultError('not_an_export');
    this.#count += 1;
    if (chain === null) {
      this.#unsealed += 1;
      return;
    }
    if (fieldsHash(chain.prev_hash, { ...fields, position: chain.position }) !== chain.hash)
      throw new ExportFaultError('hash_mismatch', id);
    this.#checked += 1;
    if (!this.#whole()) return;
    if (chain.position <= this.#last.position || this.#waiting.has(chain.position))
      throw new ExportFaultError('broken_link', id);
    this.#waiting.set(chain.position, { id, link: chain });
    this.#followLinks();
  }

  #followLinks(): void {
    for (;;) {
      const position = this.#last.position + 1;
      const next = this.#waiting.get(position);
      if (!next) return;
      this.#waiting.delete(position);
      if (next.link.prev_hash !== this.#last.hash) throw new ExportFaultError('broken_link', next.id);
      this.#last = { position, hash: next.link.hash };
    }
  }

  #takeEnd(end: ExportEnd): void {
    this.#end = end;
    if (end.count !== this.#count) throw new ExportFaultError('count_differs');
    if (!this.#whole()) return;
    const [after] = [...this.#waiting].sort(([a], [b]) => a - b);
    if (after || this.#last.position !== end.head.position) throw new ExportFaultError('gap', after?.[1].id ?? null);
    if (this.#last.hash !== end.head.hash) throw new ExportFaultError('broken_link');
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, as of everything else that is no line of an export.
  }
  throw new ExportFaultError('not_an_export');
}

function headOf(value: Record<string, unknown>): ExportHead {
  if (value['format'] !== exportFormat) throw new ExportFaultError('not_an_export');
  return value as unknown as ExportHead;
}
