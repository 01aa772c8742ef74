// The reads of a task's output, shared by its followers at this process: a notification, or a poll, costs the same few
// statements for one follower or for hundreds. Each follower keeps its own position, so slow ones read on their own.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { readBatch } from '../../db/tasks/output.ts';
import { readPartials } from '../../db/tasks/partials.ts';
import type { TaskStatus } from '../../workflows/tasks/contract.ts';
import { presentLine, presentPartial } from './output.ts';
import { SharedReads } from './shared-reads.ts';

/** Polls as a fallback: notifications sent while LISTEN was disconnected are lost. */
const pollMs = 2_000;
/** Maximum lines, and bytes of their text, per read. */
const batch = { limit: 1_000, bytes: 64 * 1024 };
/**
 * Maximum bytes buffered for a slow reader. The next read waits until all have been sent; the longest line fits even if all
 * of it must be escaped.
 */
export const unsentBytes = 128 * 1024;

/** Consecutive lines as messages, at most `unsentBytes`; `isCut`: there are more. */
interface LineBatch {
  messages: readonly string[];
  /** Of the last line, or the position asked for. */
  lastSeq: number;
  isCut: boolean;
}

interface PartialMessage {
  source: string;
  message: string;
  /** Differs if the message, or the position of its line, does. */
  digest: string;
}

/**
 * Reads that began after one wake. The status is read before any lines: if the task had ended by then, all its lines were
 * written.
 */
export interface OutputRound {
  /** Undefined if the task is gone. */
  status(): Promise<TaskStatus | undefined>;
  lines(after: number): Promise<LineBatch>;
  /** The partial lines after the line `seq`; undefined if there are more lines by now, which go first. */
  partials(seq: number): Promise<readonly PartialMessage[] | undefined>;
}

interface Wakeable {
  wake(): void;
}

const bytesOf = (messages: readonly string[]): number =>
  messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0);

/** The followers of one task and their current round. */
export class TaskReader {
  readonly followers = new Set<Wakeable>();
  readonly #taskId: number;
  readonly #db: Kysely<Database>;
  readonly #shared: SharedReads;
  readonly #timer = setInterval(() => this.wake(), pollMs);
  #round: OutputRound;

  constructor(db: Kysely<Database>, shared: SharedReads, taskId: number) {
    this.#db = db;
    this.#shared = shared;
    this.#taskId = taskId;
    this.#round = this.#begin();
  }

  round(): OutputRound {
    return this.#round;
  }

  /** A round after this one. */
  after(round: OutputRound): OutputRound {
    if (round === this.#round) this.#round = this.#begin();
    return this.#round;
  }

  wake(): void {
    this.#round = this.#begin();
    for (const follower of this.followers) follower.wake();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #begin(): OutputRound {
    const [db, taskId] = [this.#db, this.#taskId];
    const share = this.#shared.scope();
    return {
      status: () =>
        share(
          'status',
          () => statusOf(db, taskId),
          () => 0,
        ),
      lines: (after) =>
        share(
          `lines ${after}`,
          () => linesOf(db, taskId, after),
          ({ messages }) => bytesOf(messages),
        ),
      partials: (seq) =>
        share(
          `partials ${seq}`,
          () => partialsOf(db, taskId, seq),
          (found = []) => bytesOf(found.map(({ message }) => message)),
        ),
    };
  }
}

/** The readers of the tasks that are followed at this process. */
export class OutputReaders {
  readonly #db: Kysely<Database>;
  readonly #shared = new SharedReads();
  readonly #readers = new Map<number, TaskReader>();

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  /** Adds a follower; it shares the present round, since whatever was written after that wakes it as well. */
  join(taskId: number, follower: Wakeable): TaskReader {
    const reader = this.#readers.get(taskId) ?? new TaskReader(this.#db, this.#shared, taskId);
    this.#readers.set(taskId, reader);
    reader.followers.add(follower);
    return reader;
  }

  leave(taskId: number, follower: Wakeable): void {
    const reader = this.#readers.get(taskId);
    if (!reader?.followers.delete(follower) || reader.followers.size > 0) return;
    reader.stop();
    this.#readers.delete(taskId);
  }

  /** Wakes the followers of this task (null: of all tasks), since there may be new output. */
  wake(taskId: number | null): void {
    if (taskId !== null) this.#readers.get(taskId)?.wake();
    else for (const reader of this.#readers.values()) reader.wake();
  }
}

async function statusOf(db: Kysely<Database>, taskId: number): Promise<TaskStatus | undefined> {
  const task = await db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirst();
  return task?.status;
}

async function linesOf(db: Kysely<Database>, taskId: number, after: number): Promise<LineBatch> {
  const { rows, isCut } = await readBatch(db, taskId, { after, ...batch });
  const messages = fitting(rows.map((row) => JSON.stringify(presentLine(row))));
  return {
    messages,
    lastSeq: rows[messages.length - 1]?.seq ?? after,
    isCut: isCut || messages.length < rows.length,
  };
}

async function partialsOf(db: Kysely<Database>, taskId: number, seq: number): Promise<PartialMessage[] | undefined> {
  const partials = await readPartials(db, taskId, seq);
  return partials?.map((one) => {
    const message = JSON.stringify(presentPartial(one));
    const digest = createHash('sha256').update(`${one.position} ${message}`).digest('base64');
    return { source: one.source, message, digest };
  });
}

/** The first of these messages, as many as fit in a reader's buffer; one at least. */
export function fitting(messages: readonly string[]): readonly string[] {
  let bytes = 0;
  const over = messages.findIndex((message) => (bytes += Buffer.byteLength(message)) > unsentBytes);
  return over < 0 ? messages : messages.slice(0, Math.max(1, over));
}
