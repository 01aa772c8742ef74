// One publish and its returns. The job's id is ours and known before anything is sent: when the answer to a publish is lost,
// the master is asked whether it has the job, and only if not it is sent again, under the same id, which a minion that had
// it drops. Returns are told by the event bus, which may lose them, or else read from the master's job cache. A minion that
// is silent is asked whether it has the job: one that was started anew does not, and need not be waited for.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../../error.ts';
import { isRecord } from './api.ts';
import type { SaltApi } from './api.ts';
import type { Listener, SaltEvents } from './events.ts';

export interface Call {
  fun: string;
  arg: readonly unknown[];
  kwarg: Readonly<Record<string, unknown>>;
}

/**
 * How a minion's part ended; `stranger`: the master has no such minion; `lost`: it does not have the job (any more), as when
 * it has started anew; `silent`: it did not answer in time.
 */
export type Return =
  { kind: 'returned'; value: unknown } | { kind: 'stranger' } | { kind: 'lost' } | { kind: 'silent' };

/** What is known of jobs: asked for, and told. */
export interface Master {
  api: SaltApi;
  events: SaltEvents;
  /** Asks a minion for the jobs that it has; all who ask at a time share one question. */
  running(minion: string): Promise<Return>;
}

/** The question which jobs a minion has; nobody looks for the job that asks it. */
export const searching = {
  call: (): Call => ({ fun: 'saltutil.running', arg: [], kwarg: {} }),
  patienceMs: 5_000,
  isSearch: true,
} as const;

export interface Order {
  minions: readonly string[];
  call: Call;
  patienceMs: number;
  /** Called when it has been published. */
  onSent?: () => void;
  /** It looks for another job, and nobody looks for it. */
  isSearch?: boolean;
}

/** While returns are told, the job cache is for those that were not; it takes the master a second or more to answer. */
const whileToldMs = 4_000;
const firstLookMs = 200;
const longestLookMs = 2_000;
/** Minions are asked whether they have a job when they have not answered for so long. */
const searchEveryMs = 4_000;

/** Twenty digits of the time, as Salt has it, and some more that make it ours alone. */
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

/** Sends the call; answers the minions that the master sent it to. */
async function publish(api: SaltApi, jid: string, minions: readonly string[], { fun, arg, kwarg }: Call) {
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

/** Publishes a call once and gives each return to `onReturn` when it is known, once for each minion. */
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

class OpenJob implements Listener {
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
      // What had been answered before the search is in the cache by now.
      await this.#look(isLate);
      for (const minion of lost) this.#end(minion, { kind: 'lost' });
      if (isLate) for (const minion of this.#open) this.#end(minion, { kind: 'silent' });
    }
  }

  #end(minion: string, result: Return): void {
    if (this.#open.delete(minion)) this.#onReturn(minion, result);
  }

  /** Answers whether it was cut short. */
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
      // The job goes on whether the master answers or not.
      if (isLast || !(error instanceof ProviderError) || error.kind === 'refused') throw error;
      return null;
    });
    const untold = Object.entries(found?.returns ?? {}).filter(([minion]) => this.#open.has(minion));
    for (const [minion, value] of untold) this.#end(minion, { kind: 'returned', value });
    if (untold.length > 0 && wasLive) events.close();
    await events.open();
  }

  /** Those of the silent minions that answer, and do not have the job. */
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
