// Proxies end a connection on which nothing is said for a minute, and a client that is gone without a word is noticed by
// nobody. So everyone who is connected gets a ping of the protocol, which their library returns, and an event, as browsers show
// their pages no pings.
import type { WSContext } from 'hono/ws';
import type { WebSocket } from 'ws';

export const pingEveryMs = 15_000;
const patienceRounds = 2;

interface Watched {
  socket: WebSocket;
  /** Pings that were sent since something was heard, or was taken. */
  unanswered: number;
  /** Bytes that waited for a slow reader in the round before. */
  waiting: number;
}

/** What is sent in each round. */
export const heartbeatEvent = JSON.stringify({ event: 'heartbeat' });

/** Pings who is connected, and cuts off who has not answered for two rounds. */
export class Heartbeats {
  readonly #watched = new Map<WSContext, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs = pingEveryMs) {
    this.#timer = setInterval(() => this.#round(), everyMs);
  }

  add(context: WSContext): void {
    const socket = context.raw as WebSocket;
    const watched: Watched = { socket, unanswered: 0, waiting: 0 };
    socket.on('pong', () => (watched.unanswered = 0));
    this.#watched.set(context, watched);
  }

  remove(context: WSContext): void {
    this.#watched.delete(context);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    for (const watched of this.#watched.values()) this.#ping(watched);
  }

  #ping(watched: Watched): void {
    const { socket, waiting } = watched;
    // A ping waits behind what was sent before it: who takes that is there.
    watched.waiting = socket.bufferedAmount;
    if (watched.waiting < waiting) watched.unanswered = 0;
    if (watched.unanswered >= patienceRounds) return socket.terminate();
    watched.unanswered += 1;
    socket.ping();
    socket.send(heartbeatEvent);
  }
}
