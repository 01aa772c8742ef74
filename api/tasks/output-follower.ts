import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import { readBatch } from '../../db/tasks/output.ts';
import { readPartials } from '../../db/tasks/partials.ts';
import type { AppDeps } from '../operations/context.ts';
import { presentLine, presentPartial } from './output.ts';

const normal = 1000;
const broken = 1011;
const lookAgainMs = 2_000;
/** Maximum lines, and bytes of their text, per read. */
const batch = { limit: 1_000, bytes: 64 * 1024 };
/**
 * Maximum bytes buffered for a slow reader. The next read waits until all have been sent; the longest line fits even if all
 * of it must be escaped.
 */
export const unsentBytes = 128 * 1024;

/** Corking batches writes: a system call per line is otherwise most of the cost. */
export type Wire = Pick<Socket, 'cork' | 'uncork'>;

/** The reader, and the range of lines. */
interface Followed {
  socket: Pick<WebSocket, 'close'> & { send(data: string, sent: () => void): void };
  /** The socket under the WebSocket. */
  wire: Wire | undefined;
  taskId: number;
  /** The reader has the lines up to this one. */
  seq: number;
}

/** Messages that were sent, and when the socket has flushed them. */
interface Sent {
  count: number;
  gone: Promise<void>;
}

/** Sends one reader a task's lines after `seq`, then new lines, then the end. */
export class Follower {
  readonly #deps: Pick<AppDeps, 'db' | 'log'>;
  readonly #followed: Readonly<Followed>;
  readonly #timer: NodeJS.Timeout;
  #seq: number;
  /** Digests of the partial lines last sent, by source. */
  readonly #partials = new Map<string, string>();
  #wanted = false;
  #running = false;
  #stopped = false;

  constructor(deps: Pick<AppDeps, 'db' | 'log'>, followed: Followed) {
    this.#deps = deps;
    this.#followed = followed;
    this.#seq = followed.seq;
    // Polls as a fallback: notifications sent while LISTEN was disconnected are lost.
    this.#timer = setInterval(() => this.wake(), lookAgainMs);
    this.wake();
  }

  /** Reads again, since there may be new lines. */
  wake(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Stops sending and closes the connection. */
  end(code: number, reason: string): void {
    this.stop();
    this.#followed.socket.close(code, reason);
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#wanted && !this.#stopped) {
        this.#wanted = false;
        await this.#follow();
      }
    } catch (error) {
      this.#deps.log.warn({ err: error, taskId: this.#followed.taskId }, 'live output stopped for a moment');
      if (isRefusedForGood(error)) this.end(broken, 'the output cannot be read');
    } finally {
      this.#running = false;
    }
  }

  /** The status is read before the lines: if the task had ended by then, all its lines were written. */
  async #follow(): Promise<void> {
    const { db } = this.#deps;
    const { taskId } = this.#followed;
    const task = await db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirst();
    for (let isCut = true; isCut && !this.#stopped;) {
      const lines = await this.#lines();
      ({ isCut } = lines);
      await lines.sent.gone;
    }
    if (this.#stopped) return;
    if (task?.status === 'running') return (await this.#standing()).gone;
    this.#send([JSON.stringify({ event: 'end', status: task?.status ?? 'gone' })]);
    this.end(normal, 'end');
  }

  /** Sends the next lines; `isCut` if there are more. */
  async #lines(): Promise<{ sent: Sent; isCut: boolean }> {
    const { rows, isCut } = await readBatch(this.#deps.db, this.#followed.taskId, { after: this.#seq, ...batch });
    const sent = this.#send(rows.map((row) => JSON.stringify(presentLine(row))));
    this.#seq = rows[sent.count - 1]?.seq ?? this.#seq;
    return { sent, isCut: isCut || sent.count < rows.length };
  }

  /** Sends partial lines that differ from those last sent. */
  async #standing(): Promise<Sent> {
    const partials = await readPartials(this.#deps.db, this.#followed.taskId, this.#seq);
    if (partials === undefined) this.#wanted = true;
    const digests = new Map(partials?.map((one) => [one, digest(`${one.position} ${one.text}`)]));
    const changed = [...digests].filter(([one, now]) => this.#partials.get(one.source) !== now);
    const sent = this.#send(changed.map(([one]) => JSON.stringify(presentPartial(one))));
    const present = new Set(partials?.map(({ source }) => source));
    if (partials) for (const source of this.#partials.keys()) if (!present.has(source)) this.#partials.delete(source);
    for (const [one, now] of changed.slice(0, sent.count)) this.#partials.set(one.source, now);
    if (sent.count < changed.length) this.#wanted = true;
    return sent;
  }

  /** Sends the first of these messages, as many as fit in this reader's buffer. */
  #send(messages: readonly string[]): Sent {
    const gone = Promise.withResolvers<void>();
    let bytes = 0;
    const over = messages.findIndex((message) => (bytes += Buffer.byteLength(message)) > unsentBytes);
    const count = this.#stopped ? 0 : over < 0 ? messages.length : Math.max(1, over);
    const { socket, wire } = this.#followed;
    wire?.cork();
    // The last message is flushed when all are, also if the connection closes.
    for (let at = 0; at < count; at += 1)
      socket.send(messages[at] ?? '', at === count - 1 ? gone.resolve : () => undefined);
    wire?.uncork();
    if (count === 0) gone.resolve();
    return { count, gone: gone.promise };
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64');
