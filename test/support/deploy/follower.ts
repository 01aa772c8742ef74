import { WebSocket } from 'ws';
import { eventually } from '../harness.ts';

interface Line {
  seq: number;
  text: string;
  step: string;
  stream: string;
  instance: number | null;
  host: string;
}

type Message = Line & { event?: string; status?: string };

/** Follows a task's output as a client would: it connects again after the last line that it has, until the end comes. */
export class FollowingClient {
  readonly lines: Line[] = [];
  /** Messages that are no lines, but for the end. */
  readonly events: Message[] = [];
  connections = 0;
  status: string | undefined;
  /** Resolves to the status that came with the end. */
  readonly end: Promise<string | undefined>;
  readonly #address: string;
  readonly #token: string;

  /** `address` without its query. */
  constructor(address: string, token: string) {
    this.#address = address;
    this.#token = token;
    this.end = eventually(() => this.#session(), { timeout: 90_000, interval: 50 }).then(() => this.status);
    // A test that does not await the end has failed for another reason.
    this.end.catch(() => undefined);
  }

  /** One connection, until it closes; returns whether the end had arrived by then. */
  async #session(): Promise<boolean> {
    const after = this.lines.at(-1)?.seq ?? 0;
    const socket = new WebSocket(`${this.#address}?after=${after}`, {
      headers: { authorization: `Token ${this.#token}` },
    });
    socket.on('open', () => (this.connections += 1));
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString('utf8')) as Message));
    await new Promise<void>((closed) => socket.once('close', () => closed()));
    return this.status !== undefined;
  }

  #take(message: Message): void {
    if (message.event === 'end') this.status = message.status;
    else if (message.event === undefined) this.lines.push(message);
    else this.events.push(message);
  }
}
