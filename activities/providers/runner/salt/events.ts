// Receives returns from the master's event bus, by salt-api's server-sent events: immediate and cheap, as a read of the job
// cache loads half of Salt. The bus may lose events, so listeners also poll the cache, less often. One stream per process,
// open while jobs run and for some time after.
import { withTimeout } from '../../../../kit/abort.ts';
import { isRecord } from './api.ts';
import type { SaltApi } from './api.ts';

const idleMs = 60_000;
/** Longest wait of a job for the stream to open. */
const openMs = 2_000;
/** Pause after a failed attempt to open the stream. */
const againMs = 1_000;

export interface SaltEventListener {
  returned(minion: string, value: unknown): void;
  /** Prompts a poll: this minion has restarted, or (null) the stream has ended. */
  roused(minion: string | null): void;
}

export class SaltEvents {
  readonly #api: Pick<SaltApi, 'hear'>;
  readonly #listeners = new Map<string, SaltEventListener>();
  #stream: { closing: AbortController; opened: Promise<void> } | null = null;
  #idle: NodeJS.Timeout | undefined;
  #notBefore = 0;
  #isLive = false;
  #tag = '';

  constructor(api: Pick<SaltApi, 'hear'>) {
    this.#api = api;
  }

  /** Whether returns are likely to be received. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Reports events of a job until the returned function is called. Resolves when the stream is open, or has failed. */
  async listen(jid: string, listener: SaltEventListener): Promise<() => void> {
    this.#listeners.set(jid, listener);
    clearTimeout(this.#idle);
    await withTimeout(this.open(), openMs, () => undefined);
    return () => {
      this.#listeners.delete(jid);
      if (this.#listeners.size > 0) return;
      this.#idle = setTimeout(() => this.close(), idleMs).unref();
    };
  }

  /** Opens the stream unless it is open or has just failed. */
  open(): Promise<void> {
    if (this.#stream) return this.#stream.opened;
    if (Date.now() < this.#notBefore) return Promise.resolve();
    const closing = new AbortController();
    const opened = this.#listen(closing);
    this.#stream = { closing, opened };
    return opened;
  }

  /** Closes a stream that is unused, or has missed events. */
  close(): void {
    this.#stream?.closing.abort();
  }

  async #listen({ signal }: AbortController): Promise<void> {
    try {
      const { end } = await this.#api.hear((line) => this.#take(line), signal);
      this.#isLive = true;
      void end.then(() => this.#ended());
    } catch {
      this.#notBefore = Date.now() + againMs;
      this.#ended();
    }
  }

  #ended(): void {
    this.#stream = null;
    this.#isLive = false;
    this.#rouse(null);
  }

  #rouse(minion: string | null): void {
    for (const listener of this.#listeners.values()) listener.roused(minion);
  }

  #take(line: string): void {
    if (line.startsWith('tag: ')) this.#tag = line.slice(5);
    if (!line.startsWith('data: ')) return;
    const [, jid, minion] = /^salt\/job\/([^/]+)\/ret\/(.+)$/.exec(this.#tag) ?? [];
    const listener = jid === undefined ? undefined : this.#listeners.get(jid);
    if (listener && minion !== undefined) {
      const told = returnIn(line.slice(6), minion);
      if (told) listener.returned(minion, told.value);
    }
    const [, started] = /^salt\/minion\/(.+)\/start$/.exec(this.#tag) ?? [];
    if (started !== undefined) this.#rouse(started);
  }
}

/** A minion's return; null for other events. */
function returnIn(text: string, minion: string): { value: unknown } | null {
  const event = parsed(text);
  const data = isRecord(event) ? event['data'] : null;
  const isReturn = isRecord(data) && data['cmd'] === '_return' && data['id'] === minion && 'return' in data;
  return isReturn ? { value: data['return'] } : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
