// One dedicated connection per process receives all NOTIFYs, since pooled connections come and go. Notifications sent while
// it was disconnected are lost, so every (re)connect calls the handlers with null: "check for missed changes".
import pg from 'pg';
import { withoutCredentials } from '../../kit/redact.ts';
import type { WarningLog } from '../core/connect.ts';

/** `payload` is null after every (re)start of listening. */
type NotificationHandler = (payload: string | null) => void | Promise<void>;

/** Receives NOTIFYs; `on` returns the unsubscribe function. */
export interface Listener {
  on(channel: string, handler: NotificationHandler): () => void;
  /** Resolves once every requested channel is being listened to. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

const firstPauseMs = 100;
const longestPauseMs = 10_000;
const probeEveryMs = 30_000;

/** Listens on `url`, from the first `on` until `close`, reconnecting after lost connections. */
export function createListener(url: string, log: WarningLog): Listener {
  return new ReconnectingListener(url, log);
}

class ReconnectingListener implements Listener {
  readonly #url: string;
  readonly #log: WarningLog;
  readonly #handlers = new Map<string, Set<NotificationHandler>>();
  readonly #listening = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;
  #stop = Promise.withResolvers<void>();
  #closed = false;
  #said: Promise<unknown> = Promise.resolve();

  constructor(url: string, log: WarningLog) {
    this.#url = url;
    this.#log = log;
  }

  on(channel: string, handler: NotificationHandler): () => void {
    if (this.#closed) throw new Error('the listener is closed');
    const handlers = this.#handlers.get(channel) ?? new Set();
    this.#handlers.set(channel, handlers.add(handler));
    this.#running ??= this.#run();
    if (this.#listening.has(channel)) this.#call(handler, null);
    else this.#begin(channel);
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#handlers.get(channel) === handlers) this.#end(channel);
    };
  }

  async ready(): Promise<void> {
    while (!this.#closed && [...this.#handlers.keys()].some((channel) => !this.#listening.has(channel)))
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop.resolve();
    this.#tellWaiting();
    await this.#running;
  }

  async #run(): Promise<void> {
    let pause = firstPauseMs;
    while (!this.#closed) {
      try {
        await this.#session(() => {
          pause = firstPauseMs;
        });
      } catch (error) {
        this.#log.warn({ err: error, pauseMs: pause }, 'the listening database connection failed');
      }
      await this.#sleep(pause);
      pause = Math.min(pause * 2, longestPauseMs);
    }
  }

  async #session(connected: () => void): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'slipway-listen',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
    });
    const lost = Promise.withResolvers<void>();
    client.on('error', (error) => {
      this.#log.warn({ reason: withoutCredentials(error.message) }, 'the listening database connection was lost');
    });
    client.on('end', lost.resolve);
    client.on('notification', ({ channel, payload }) => {
      this.#tell(channel, payload ?? '');
    });
    // A connection dropped by a firewall looks alive until data is sent over it.
    const probe = setInterval(() => void this.#say('select 1')?.catch(() => client.end()), probeEveryMs);
    try {
      await client.connect();
      connected();
      this.#client = client;
      this.#said = Promise.resolve();
      for (const channel of this.#handlers.keys()) this.#begin(channel);
      await Promise.race([lost.promise, this.#stop.promise]);
    } finally {
      clearInterval(probe);
      this.#client = undefined;
      this.#listening.clear();
      await client.end().catch(() => undefined);
    }
  }

  // If the statement fails, so does the connection; the next one subscribes to every channel again.
  #begin(channel: string): void {
    const client = this.#client;
    this.#say(`listen ${pg.escapeIdentifier(channel)}`)?.then(
      () => {
        if (this.#client !== client) return;
        this.#listening.add(channel);
        this.#tellWaiting();
        this.#tell(channel, null);
      },
      () => client?.end().catch(() => undefined),
    );
  }

  // A connection runs one statement at a time.
  #say(statement: string): Promise<unknown> | undefined {
    const client = this.#client;
    if (!client) return undefined;
    const said = this.#said.then(() => client.query(statement));
    this.#said = said.catch(() => undefined);
    return said;
  }

  #end(channel: string): void {
    this.#handlers.delete(channel);
    this.#listening.delete(channel);
    this.#say(`unlisten ${pg.escapeIdentifier(channel)}`)?.catch(() => undefined);
  }

  #tell(channel: string, payload: string | null): void {
    for (const handler of this.#handlers.get(channel) ?? []) this.#call(handler, payload);
  }

  #call(handler: NotificationHandler, payload: string | null): void {
    Promise.resolve()
      .then(() => handler(payload))
      .catch((error: unknown) => {
        this.#log.warn({ err: error }, 'a notification handler failed');
      });
  }

  #tellWaiting(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #sleep(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([over, this.#stop.promise]);
    clearTimeout(timer);
  }
}
