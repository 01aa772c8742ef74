// A line that does not end is shown while it stands there: a question, a progress bar. It is looked at with the views that
// `follow-job.ts` has anyway, and never counts as copied.
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import type { OutputLine } from '../../db/tasks/output.ts';
import { dropPartial, showPartial } from '../../db/tasks/partials.ts';
import { maximumLineBytes } from './split-lines.ts';
import type { JobView, StreamOffsets } from '../providers/runner/driver.ts';

/** How long a line may stand before it is shown, and between two showings of it. */
const afterMs = 1_000;

interface Of {
  db: Kysely<Database>;
  taskId: number;
  origin: Pick<OutputLine, 'instanceId' | 'host' | 'step'>;
}

interface Standing {
  position: number;
  /** When it was first met, or last shown. */
  since: number;
  shown: string | null;
}

/**
 * What is to be seen of a line: a carriage return ends it for the eye, so what stands after the last one, or before it where
 * nothing follows. A character of which the end has not come is left out.
 */
export function visibleText(rest: Buffer): string {
  const whole = new TextDecoder().decode(rest, { stream: true }).replaceAll('\0', '\u{fffd}');
  const text = whole.split('\r').findLast((part) => part !== '') ?? '';
  return Buffer.byteLength(text) <= maximumLineBytes ? text : text.slice(0, maximumLineBytes / 3);
}

/** The lines of one job that have not ended. */
export class Partials {
  readonly #of: Of;
  readonly #sourceOf: (stream: 'stdout' | 'stderr') => string;
  readonly #standing = new Map<'stdout' | 'stderr', Standing>();

  constructor(of: Of, sourceOf: (stream: 'stdout' | 'stderr') => string) {
    this.#of = of;
    this.#sourceOf = sourceOf;
  }

  /** Shows what a view from `from` has beyond `next`, up to which it was copied. */
  async show(view: JobView, from: StreamOffsets, next: StreamOffsets): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const { data, size } = view[stream];
      const isAll = from[stream] + data.length >= size;
      const rest = data.subarray(Math.max(0, next[stream] - from[stream]));
      if (isAll && rest.length > 0) await this.#stands(stream, next[stream], rest);
      else if (isAll) await this.#ended(stream);
    }
  }

  /** Nothing stands there any more. */
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
