// Shows lines that have not ended yet, such as a prompt or a progress bar. Uses the views that `follow-job.ts` polls anyway;
// partial lines never count as copied.
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import type { OutputLine } from '../../db/tasks/tables.ts';
import { dropPartial, showPartial } from '../../db/tasks/partials.ts';
import { maximumLineBytes } from './split-lines.ts';
import type { JobView, StreamOffsets } from '../providers/runner/driver.ts';

/** Delay before an unfinished line is shown, and between its updates. */
const afterMs = 1_000;

interface Of {
  db: Kysely<Database>;
  taskId: number;
  origin: Pick<OutputLine, 'instanceId' | 'host' | 'step'>;
}

interface Standing {
  position: number;
  /** When it was first seen, or last shown. */
  since: number;
  shown: string | null;
}

/**
 * The visible part of a line: the text after the last carriage return, or before it if nothing follows. An incomplete
 * character is left out.
 */
export function visibleText(rest: Buffer): string {
  const whole = new TextDecoder().decode(rest, { stream: true }).replaceAll('\0', '\u{fffd}');
  const text = whole.split('\r').findLast((part) => part !== '') ?? '';
  return Buffer.byteLength(text) <= maximumLineBytes ? text : text.slice(0, maximumLineBytes / 3);
}

/** The unfinished lines of one job. */
export class Partials {
  readonly #of: Of;
  readonly #sourceOf: (stream: 'stdout' | 'stderr') => string;
  readonly #standing = new Map<'stdout' | 'stderr', Standing>();

  constructor(of: Of, sourceOf: (stream: 'stdout' | 'stderr') => string) {
    this.#of = of;
    this.#sourceOf = sourceOf;
  }

  /** Shows the part of a view beyond `next`, the end of the copied output. */
  async show(view: JobView, from: StreamOffsets, next: StreamOffsets): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const { data, size } = view[stream];
      const isAll = from[stream] + data.length >= size;
      const rest = data.subarray(Math.max(0, next[stream] - from[stream]));
      if (isAll && rest.length > 0) await this.#stands(stream, next[stream], rest);
      else if (isAll) await this.#ended(stream);
    }
  }

  /** Clears the unfinished lines. */
  async end(): Promise<void> {
    for (const stream of [...this.#standing.keys()]) await this.#ended(stream);
  }

  async #stands(stream: 'stdout' | 'stderr', position: number, rest: Buffer): Promise<void> {
    const now = performance.now();
    const before = this.#standing.get(stream);
    if (before?.position !== position) {
      this.#standing.set(stream, { position, since: now, shown: null });
      return;
    }
    if (now - before.since < afterMs) return;
    const text = visibleText(rest);
    if (text === before.shown || text === '') return;
    const { db, taskId, origin } = this.#of;
    await showPartial(db, { ...origin, taskId, source: this.#sourceOf(stream), position, stream, text });
    this.#standing.set(stream, { position, since: now, shown: text });
  }

  async #ended(stream: 'stdout' | 'stderr'): Promise<void> {
    if (!this.#standing.delete(stream)) return;
    await dropPartial(this.#of.db, this.#of.taskId, this.#sourceOf(stream));
  }
}
