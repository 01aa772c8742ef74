import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { isRefusedForGood } from '../../db/core/sql-state.ts';
import type { AppDeps } from '../operations/context.ts';
import { fitting } from './output-readers.ts';
import type { OutputReaders, OutputRound, TaskReader } from './output-readers.ts';

const normal = 1000;
const broken = 1011;

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

interface FollowerDeps extends Pick<AppDeps, 'log'> {
  readers: OutputReaders;
}

/** Sends one reader a task's lines after `seq`, then new lines, then the end. */
export class Follower {
  readonly #deps: FollowerDeps;
  readonly #followed: Readonly<Followed>;
  readonly #reader: TaskReader;
  #seq: number;
  /** Digests of the partial lines last sent, by source. */
  readonly #partials = new Map<string, string>();
  #wanted = false;
  #running = false;
  #stopped = false;

  constructor(deps: FollowerDeps, followed: Followed) {
    this.#deps = deps;
    this.#followed = followed;
    this.#seq = followed.seq;
    this.#reader = deps.readers.join(followed.taskId, this);
    this.wake();
  }

  /** Reads again, since there may be new lines. */
  wake(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#deps.readers.leave(this.#followed.taskId, this);
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
        await this.#follow(this.#reader.round());
      }
    } catch (error) {
      this.#deps.log.warn({ err: error, taskId: this.#followed.taskId }, 'live output stopped for a moment');
      if (isRefusedForGood(error)) this.end(broken, 'the output cannot be read');
    } finally {
      this.#running = false;
    }
  }

  async #follow(round: OutputRound): Promise<void> {
    const status = await round.status();
    for (let isCut = true; isCut && !this.#stopped;) {
      const lines = await round.lines(this.#seq);
      ({ isCut } = lines);
      const gone = this.#send(lines.messages);
      this.#seq = lines.lastSeq;
      await gone;
    }
    if (this.#stopped) return;
    if (status === 'running') return this.#standing(round);
    void this.#send([JSON.stringify({ event: 'end', status: status ?? 'gone' })]);
    this.end(normal, 'end');
  }

  /** Sends partial lines that differ from those last sent. */
  async #standing(round: OutputRound): Promise<void> {
    const partials = await round.partials(this.#seq);
    if (!partials) {
      this.#wanted = true;
      this.#reader.after(round);
      return;
    }
    const changed = partials.filter(({ source, digest }) => this.#partials.get(source) !== digest);
    const sent = changed.slice(0, fitting(changed.map(({ message }) => message)).length);
    const gone = this.#send(sent.map(({ message }) => message));
    const present = new Set(partials.map(({ source }) => source));
    for (const source of this.#partials.keys()) if (!present.has(source)) this.#partials.delete(source);
    for (const { source, digest } of sent) this.#partials.set(source, digest);
    if (sent.length < changed.length) this.#wanted = true;
    await gone;
  }

  /** Sends these messages, which fit in this reader's buffer; resolves when the socket has flushed them. */
  #send(messages: readonly string[]): Promise<void> {
    if (this.#stopped || messages.length === 0) return Promise.resolve();
    const gone = Promise.withResolvers<void>();
    const { socket, wire } = this.#followed;
    wire?.cork();
    // The last message is flushed when all are, also if the connection closes.
    for (const [at, message] of messages.entries())
      socket.send(message, at === messages.length - 1 ? gone.resolve : () => undefined);
    wire?.uncork();
    return gone.promise;
  }
}
