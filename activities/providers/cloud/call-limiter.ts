// Limits calls in flight per provider over all workers, by leased slots, and pauses while the provider throttles. A caller
// that can't pass soon gets a retry time and releases its slot.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slot, Slots } from '../../../db/coordination/concurrency-slots.ts';
import { ProviderError, throttled } from '../error.ts';
import type { CloudDriver, Clouds } from './driver.ts';

const longestWaitMs = 5_000;
const comeAgainMs = 1_000;
/** Poll interval while other workers hold all slots. */
const drawEveryMs = 50;
/** How long a slot is passed from call to call in this process before other workers get a chance. */
const keepMs = 1_000;
/** A slot is kept this long after a call; a quick follow-up then skips release and acquire. */
const idleMs = 20;

interface KeptSlot {
  slot: Slot;
  since: number;
}

class CallLimiter {
  readonly #name: string;
  readonly #atOnce: number;
  readonly #slots: Slots;
  readonly #waiting: PromiseWithResolvers<KeptSlot>[] = [];
  readonly #idle: KeptSlot[] = [];
  #drawing = false;
  #closedUntil = 0;

  constructor(name: string, atOnce: number, slots: Slots) {
    this.#name = name;
    this.#atOnce = atOnce;
    this.#slots = slots;
  }

  async pass<T>(call: () => Promise<T>): Promise<T> {
    this.#refuseClosed();
    const place = await this.#enter();
    try {
      this.#refuseClosed();
      return await call();
    } catch (error) {
      if (error instanceof ProviderError && error.retryAfterMs !== null)
        this.#closedUntil = Math.max(this.#closedUntil, Date.now() + error.retryAfterMs);
      throw error;
    } finally {
      this.#leave(place);
    }
  }

  #refuseClosed(): void {
    const leftMs = this.#closedUntil - Date.now();
    if (leftMs > 0) throw throttled(this.#name, `${this.#name} is asked too often; waiting`, leftMs);
  }

  /** An idle slot that this process still holds. */
  #takeIdle(): KeptSlot | undefined {
    for (let place = this.#idle.pop(); place; place = this.#idle.pop()) {
      if (this.#isOurs(place)) return place;
      this.#giveBack(place);
    }
    return undefined;
  }

  async #enter(): Promise<KeptSlot> {
    const idle = this.#takeIdle();
    if (idle) return idle;
    const mine = Promise.withResolvers<KeptSlot>();
    this.#waiting.push(mine);
    const timer = setTimeout(() => {
      const at = this.#waiting.indexOf(mine);
      if (at >= 0) this.#waiting.splice(at, 1);
      mine.reject(throttled(this.#name, `${this.#atOnce} calls to ${this.#name} are in flight`, comeAgainMs));
    }, longestWaitMs);
    if (!this.#drawing) void this.#draw();
    return mine.promise.finally(() => clearTimeout(timer));
  }

  /** Acquires slots until no caller waits. */
  async #draw(): Promise<void> {
    this.#drawing = true;
    while (this.#waiting.length > 0) {
      const slots = await this.#slots.take(this.#name, this.#atOnce, this.#waiting.length).catch(() => []);
      for (const slot of slots) this.#hand({ slot, since: Date.now() });
      if (slots.length === 0) await sleep(drawEveryMs * (1 + Math.random()));
    }
    this.#drawing = false;
  }

  #leave(place: KeptSlot): void {
    if (this.#isOurs(place)) this.#hand(place);
    else this.#giveBack(place);
  }

  #isOurs({ slot, since }: KeptSlot): boolean {
    return this.#slots.holds(slot) && Date.now() - since < keepMs;
  }

  /** Passes the slot to the longest waiting caller, or keeps it briefly before releasing it. */
  #hand(place: KeptSlot): void {
    const next = this.#waiting.shift();
    if (next) return next.resolve(place);
    this.#idle.push(place);
    setTimeout(() => {
      const at = this.#idle.indexOf(place);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      this.#giveBack(place);
    }, idleMs);
  }

  /** A slot that can't be released is lost with its connection. */
  #giveBack({ slot }: KeptSlot): void {
    void this.#slots.giveBack(slot).catch(() => undefined);
  }
}

function gated(driver: CloudDriver, atOnce: number, slots: Slots): CloudDriver {
  const gate = new CallLimiter(driver.name, atOnce, slots);
  return {
    name: driver.name,
    find: (machine, wish) => gate.pass(() => driver.find(machine, wish)),
    power: (machine, request) => gate.pass(() => driver.power(machine, request)),
    finished: (machine, job) => gate.pass(() => driver.finished(machine, job)),
    list: () => driver.list(),
  };
}

/** Wraps the drivers so that each has at most `atOnce` calls in flight over all workers that share the slots. */
export function gatedClouds(clouds: Clouds, atOnce: number, slots: Slots): Clouds {
  const gates = new Map<CloudDriver, CloudDriver>();
  const gateOf = (driver: CloudDriver): CloudDriver => {
    const found = gates.get(driver) ?? gated(driver, atOnce, slots);
    gates.set(driver, found);
    return found;
  };
  return Object.fromEntries(Object.entries(clouds).map(([type, driver]) => [type, gateOf(driver)]));
}
