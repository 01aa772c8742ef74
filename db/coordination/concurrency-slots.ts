// Numbered places that all processes share, such as calls in flight at a provider: session-level advisory locks on one
// connection of their own, so that those of a process that dies are free at once, whatever it died of.
import pg from 'pg';

export interface Slot {
  key: string;
  number: number;
}

export interface Slots {
  /** Takes up to `count` of the `most` places of `key`; answers those that were free, maybe none. */
  take(key: string, most: number, count: number): Promise<Slot[]>;
  /** Whether a place is still ours: with the connection all are lost. */
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
      // Beginning anywhere, as those in front would be tried by everybody. Our own are left out by a case, whose order is
      // certain: taken a second time, a lock would have to be given back twice.
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

  /** Those that are given back while a statement is under way go with one. */
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

  /** One statement after the other: a connection has one at a time. */
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

/** The places of the database at `url`; it is connected to with the first call, and again when the connection was lost. */
export const createSlots = (url: string): Slots => new SharedSlots(url);

async function connectTo(url: string, lost: () => void): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'slipway-slots',
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // Whoever needs it next connects anew.
  client.on('error', () => undefined);
  client.on('end', lost);
  await client.connect();
  return client;
}
