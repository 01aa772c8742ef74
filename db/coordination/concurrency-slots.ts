// A semaphore over all processes, for example for concurrent calls to a provider: session-level advisory locks on a
// dedicated connection, so that the slots of a crashed process are released immediately.
import pg from 'pg';

export interface Slot {
  key: string;
  number: number;
}

export interface Slots {
  /** Acquires up to `count` of the `most` slots of `key`; returns the acquired ones, possibly none. */
  take(key: string, most: number, count: number): Promise<Slot[]>;
  /** Whether a slot is still held: losing the connection loses all. */
  holds(slot: Slot): boolean;
  giveBack(slot: Slot): Promise<void>;
  close(): Promise<void>;
}

const timeoutMs = 10_000;

const takeSome = `
  select number from (select 1 + (n + $5::int) % $2::int as number from generate_series(1, $2::int) as n) as places
  where case when number = any($4::int[]) then false else pg_try_advisory_lock(hashtext($1), number) end
  limit $3`;
const giveSome =
  'select pg_advisory_unlock(hashtext(key), number) from unnest($1::text[], $2::int[]) as s (key, number)';

const lockOf = (key: string): string => `slots/${key}`;

class SharedSlots implements Slots {
  readonly #url: string;
  readonly #held = new Set<Slot>();
  #connected: Promise<pg.Client> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #returned: Slot[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async take(key: string, most: number, count: number): Promise<Slot[]> {
    return this.#inTurn(async (client) => {
      const own = [...this.#held].filter((slot) => slot.key === key).map(({ number }) => number);
      // Starts at a random slot, since low numbers would be contended. A CASE, whose evaluation order is fixed, excludes own
      // slots: a lock acquired twice would have to be released twice.
      const from = Math.floor(Math.random() * most);
      const { rows } = await client.query<{ number: number }>(takeSome, [lockOf(key), most, count, own, from]);
      const taken = rows.map(({ number }) => ({ key, number }));
      for (const slot of taken) this.#held.add(slot);
      return taken;
    });
  }

  holds(slot: Slot): boolean {
    return this.#held.has(slot);
  }

  /** Releases requested while a statement is running are combined into one. */
  async giveBack(slot: Slot): Promise<void> {
    if (!this.#held.has(slot)) return;
    if (this.#returned.push(slot) > 1) return;
    await this.#inTurn(async (client) => {
      const some = this.#returned.splice(0).filter((one) => this.#held.delete(one));
      await client.query(giveSome, [some.map(({ key }) => lockOf(key)), some.map(({ number }) => number)]);
    });
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    const client = await this.#connected?.catch(() => undefined);
    await client?.end();
    this.#forget();
  }

  /** Serialises statements: a connection runs one at a time. */
  #inTurn<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const mine = this.#last.then(async () => work(await this.#connection()));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  #connection(): Promise<pg.Client> {
    if (this.#connected) return this.#connected;
    const attempt = connectTo(this.#url, () => {
      if (this.#connected === attempt) this.#forget();
    });
    this.#connected = attempt;
    attempt.catch(() => this.#connected === attempt && this.#forget());
    return attempt;
  }

  #forget(): void {
    this.#connected = undefined;
    this.#held.clear();
    this.#returned = [];
  }
}

/** The slots of the database at `url`; connects on the first call, and again after the connection was lost. */
export const createSlots = (url: string): Slots => new SharedSlots(url);

async function connectTo(url: string, lost: () => void): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'slipway-slots',
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // The next call reconnects.
  client.on('error', () => undefined);
  client.on('end', lost);
  await client.connect();
  return client;
}
