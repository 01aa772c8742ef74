import type { Socket } from 'node:net';
import type { WSContext } from 'hono/ws';
import { isRefusedForGood } from '../db/sql-state.ts';
import { readOutput } from '../db/tasks/output.ts';
import { readPartials } from '../db/tasks/partials.ts';
import type { TaskOutputRow } from '../db/tasks/tables.ts';
import type { AppDeps } from './context.ts';
import { presentLine, presentPartial } from './deploy/output.ts';

const batch = 1_000;
const normal = 1000;
const broken = 1011;
const lookAgainMs = 2_000;
// What a slow reader may leave unread before he is waited for, instead of keeping everything for him in memory.
const unreadBytes = 4 * 1024 * 1024;
const drainPauseMs = 20;

/** What is written while it is corked goes out at once: a call of the system for each line is most of the work. */
export type Wire = Pick<Socket, 'cork' | 'uncork'>;

/** Who reads, and which lines. */
export interface Followed {
  socket: WSContext;
  /** The connection under the WebSocket. */
  wire: Wire | undefined;
  taskId: number;
  /** They have the lines up to this one. */
  seq: number;
}

/** Sends one reader the lines of one task after `seq`, then those that come, then the end. */
export class Follower {
  readonly #deps: Pick<AppDeps, 'db' | 'log'>;
  readonly #socket: WSContext;
  readonly #wire: Wire | undefined;
  readonly #taskId: number;
  readonly #timer: NodeJS.Timeout;
  #seq: number;
  /** What was sent last of lines that have not ended, by source. */
  #partials = new Map<string, string>();
  #wanted = false;
  #running = false;
  #stopped = false;

  constructor(deps: Pick<AppDeps, 'db' | 'log'>, { socket, wire, taskId, seq }: Followed) {
    this.#deps = deps;
    this.#socket = socket;
    this.#wire = wire;
    this.#taskId = taskId;
    this.#seq = seq;
    // A notification that was lost with a broken connection is made good by looking.
    this.#timer = setInterval(() => this.wake(), lookAgainMs);
    this.wake();
  }

  /** There may be something new. */
  wake(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#wanted && !this.#stopped) {
        this.#wanted = false;
        await this.#send();
      }
    } catch (error) {
      this.#deps.log.warn({ err: error, taskId: this.#taskId }, 'live output stopped for a moment');
      if (isRefusedForGood(error)) this.#end(broken, 'the output cannot be read');
    } finally {
      this.#running = false;
    }
  }

  /** The status is read before the lines: a task that had ended then has written all of them. */
  async #send(): Promise<void> {
    const { db } = this.#deps;
    const task = await db.selectFrom('tasks').select('status').where('id', '=', this.#taskId).executeTakeFirst();
    for (;;) {
      const rows = await readOutput(db, this.#taskId, { after: this.#seq, limit: batch });
      if (this.#stopped) return;
      this.#sendLines(rows);
      this.#seq = rows.at(-1)?.seq ?? this.#seq;
      if (rows.length < batch) break;
      await this.#drained();
    }
    if (task?.status === 'running') return this.#sendPartials();
    this.#socket.send(JSON.stringify({ event: 'end', status: task?.status ?? 'gone' }));
    this.#end(normal, 'end');
  }

  #sendLines(rows: readonly TaskOutputRow[]): void {
    this.#wire?.cork();
    for (const row of rows) this.#socket.send(JSON.stringify(presentLine(row)));
    this.#wire?.uncork();
  }

  /** What stands on lines that have not ended, where it is not what was sent last. */
  async #sendPartials(): Promise<void> {
    const partials = await readPartials(this.#deps.db, this.#taskId, this.#seq);
    if (partials === undefined) this.#wanted = true;
    if (partials === undefined || this.#stopped) return;
    const before = this.#partials;
    this.#partials = new Map(partials.map((one) => [one.source, `${one.position} ${one.text}`]));
    for (const one of partials)
      if (before.get(one.source) !== this.#partials.get(one.source))
        this.#socket.send(JSON.stringify(presentPartial(one)));
  }

  #end(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.stop();
  }

  async #drained(): Promise<void> {
    const raw = this.#socket.raw as { bufferedAmount?: number } | undefined;
    while (!this.#stopped && (raw?.bufferedAmount ?? 0) > unreadBytes)
      await new Promise((resolve) => setTimeout(resolve, drainPauseMs));
  }
}
