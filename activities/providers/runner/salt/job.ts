// One publish and its returns. We choose the job's id in advance: if the response to a publish is lost, the master is asked
// for the job, which is sent again only if missing, under the same id, by which minions deduplicate. Returns arrive by the
// event bus, which may lose them, or from the master's job cache. A silent minion is asked whether it has the job: a
// restarted one has lost it.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../../error.ts';
import { isRecord } from './api.ts';
import type { SaltApi } from './api.ts';
import type { SaltEventListener, SaltEvents } from './events.ts';

export interface SaltCall {
  fun: string;
  arg: readonly unknown[];
  kwarg: Readonly<Record<string, unknown>>;
}

/**
 * The result of a minion; `stranger`: unknown to the master; `lost`: it no longer has the job, e.g. after a restart;
 * `silent`: it did not respond in time.
 */
export type Return =
  { kind: 'returned'; value: unknown } | { kind: 'stranger' } | { kind: 'lost' } | { kind: 'silent' };

/** The sources of job results: queries and events. */
export interface Master {
  api: SaltApi;
  events: SaltEvents;
  /** Lists a minion's running jobs; concurrent callers share one query. */
  running(minion: string): Promise<Return>;
}

/** Queries a minion's jobs; this query itself is never searched for. */
export const searching = {
  call: (): SaltCall => ({ fun: 'saltutil.running', arg: [], kwarg: {} }),
  patienceMs: 5_000,
  isSearch: true,
} as const;

interface Order {
  minions: readonly string[];
  call: SaltCall;
  patienceMs: number;
  /** Called when it has been published. */
  onSent?: () => void;
  /** A query for another job, not itself searched for. */
  isSearch?: boolean;
}

/** While events arrive, the cache only serves missed returns; a read costs the master a second or more. */
const whileToldMs = 4_000;
const firstLookMs = 200;
const longestLookMs = 2_000;
/** Pause before silent minions are asked whether they have a job. */
const searchEveryMs = 4_000;

/** Twenty digits of the time, as in Salt, and a random suffix. */
function newJid(): string {
  const now = new Date().toISOString().replace(/\D/g, '').padEnd(20, '0').slice(0, 20);
  return `${now}_${randomInt(2 ** 40)}`;
}

interface Known {
  minions: string[];
  returns: Record<string, unknown>;
}

async function lookUp(api: SaltApi, jid: string): Promise<Known | null> {
  const job = await api.ask({ client: 'runner', fun: 'jobs.list_job', jid });
  if (!isRecord(job) || !Array.isArray(job['Minions'])) return null;
  const returns: Record<string, unknown> = {};
  for (const [minion, result] of Object.entries(isRecord(job['Result']) ? job['Result'] : {})) {
    if (isRecord(result) && 'return' in result) returns[minion] = result['return'];
  }
  return { minions: job['Minions'].map(String), returns };
}

/** Sends the call; returns the minions to which the master sent it. */
async function publish(api: SaltApi, jid: string, minions: readonly string[], { fun, arg, kwarg }: SaltCall) {
  const send = async (): Promise<string[]> => {
    const answer = await api.call({ client: 'local_async', tgt: minions, tgt_type: 'list', fun, arg, kwarg, jid });
    const sentTo = isRecord(answer) ? answer['minions'] : [];
    return Array.isArray(sentTo) ? sentTo.map(String) : [];
  };
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind === 'refused') throw error;
    return (await lookUp(api, jid))?.minions ?? (await send());
  }
}

/** Publishes a call once and passes each minion's return to `onReturn` once. */
export async function runJob(
  master: Master,
  order: Order,
  onReturn: (minion: string, result: Return) => void,
): Promise<void> {
  const job = new OpenJob(master, order, onReturn);
  const stop = await master.events.listen(job.jid, job);
  try {
    await job.run();
  } finally {
    stop();
  }
}

class OpenJob implements SaltEventListener {
  readonly jid = newJid();
  readonly #master: Master;
  readonly #order: Order;
  readonly #open: Set<string>;
  readonly #onReturn: (minion: string, result: Return) => void;
  #rouse = new AbortController();

  constructor(master: Master, order: Order, onReturn: (minion: string, result: Return) => void) {
    this.#master = master;
    this.#order = order;
    this.#open = new Set(order.minions);
    this.#onReturn = onReturn;
  }

  returned(minion: string, value: unknown): void {
    this.#end(minion, { kind: 'returned', value });
    if (this.#open.size === 0) this.#rouse.abort();
  }

  roused(minion: string | null): void {
    if (minion === null || this.#open.has(minion)) this.#rouse.abort();
  }

  async run(): Promise<void> {
    const { api, events } = this.#master;
    const { minions, call, patienceMs, onSent, isSearch = false } = this.#order;
    const known = new Set(await publish(api, this.jid, minions, call));
    onSent?.();
    for (const minion of minions) if (!known.has(minion)) this.#end(minion, { kind: 'stranger' });
    const deadline = Date.now() + patienceMs;
    let nextSearch = Date.now() + searchEveryMs;
    for (let pause = firstLookMs; this.#open.size > 0; pause = Math.min(pause * 1.5, longestLookMs)) {
      const wasRoused = await this.#pause(Math.min(events.isLive ? whileToldMs : pause, deadline + 1 - Date.now()));
      if (this.#open.size === 0) return;
      const isLate = Date.now() > deadline;
      const searches = !isSearch && !isLate && (wasRoused || Date.now() >= nextSearch);
      const lost = searches ? await this.#search() : [];
      if (searches) nextSearch = Date.now() + searchEveryMs;
      // Returns from before the search are in the cache by now.
      await this.#look(isLate);
      for (const minion of lost) this.#end(minion, { kind: 'lost' });
      if (isLate) for (const minion of this.#open) this.#end(minion, { kind: 'silent' });
    }
  }

  #end(minion: string, result: Return): void {
    if (this.#open.delete(minion)) this.#onReturn(minion, result);
  }

  /** Returns whether it was cut short. */
  async #pause(ms: number): Promise<boolean> {
    const { signal } = this.#rouse;
    await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
    this.#rouse = new AbortController();
    return signal.aborted;
  }

  async #look(isLast: boolean): Promise<void> {
    const { api, events } = this.#master;
    const wasLive = events.isLive;
    const found = await lookUp(api, this.jid).catch((error: unknown) => {
      // The job continues whether the master responds or not.
      if (isLast || !(error instanceof ProviderError) || error.kind === 'refused') throw error;
      return null;
    });
    const untold = Object.entries(found?.returns ?? {}).filter(([minion]) => this.#open.has(minion));
    for (const [minion, value] of untold) this.#end(minion, { kind: 'returned', value });
    if (untold.length > 0 && wasLive) events.close();
    await events.open();
  }

  /** The silent minions that respond but do not have the job. */
  async #search(): Promise<string[]> {
    const isLost = async (minion: string): Promise<boolean> => {
      const answer = await this.#master.running(minion).catch((error: unknown) => {
        if (error instanceof ProviderError) return null;
        throw error;
      });
      if (answer?.kind !== 'returned' || !Array.isArray(answer.value)) return false;
      return !answer.value.some((job) => isRecord(job) && job['jid'] === this.jid);
    };
    const silent = [...this.#open];
    const lost = await Promise.all(silent.map(isLost));
    return silent.filter((_, index) => lost[index]);
  }
}
