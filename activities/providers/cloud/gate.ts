// One gate for each provider, for everything that a worker does there at once: so many calls in flight, and none while
// the provider wants to be left alone. Whoever cannot pass soon is told when to come again and frees his place meanwhile.
import { ProviderError, throttled } from '../error.ts';
import type { CloudDriver, Clouds } from './driver.ts';

const longestWaitMs = 5_000;
const comeAgainMs = 1_000;

class Gate {
  readonly #name: string;
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;
  #closedUntil = 0;

  constructor(name: string, atOnce: number) {
    this.#name = name;
    this.#atOnce = atOnce;
  }

  async pass<T>(call: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      this.#refuseClosed();
      return await call();
    } catch (error) {
      if (error instanceof ProviderError && error.retryAfterMs !== null)
        this.#closedUntil = Math.max(this.#closedUntil, Date.now() + error.retryAfterMs);
      throw error;
    } finally {
      this.#leave();
    }
  }

  #refuseClosed(): void {
    const leftMs = this.#closedUntil - Date.now();
    if (leftMs > 0) throw throttled(this.#name, `${this.#name} is asked too often; waiting`, leftMs);
  }

  async #enter(): Promise<void> {
    if (this.#inFlight < this.#atOnce) {
      this.#inFlight += 1;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const take = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push(take);
      timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(throttled(this.#name, `${this.#atOnce} calls to ${this.#name} are in flight`, comeAgainMs));
      }, longestWaitMs);
    });
  }

  /** Whoever waits takes over the place, so the count stays. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#inFlight -= 1;
  }
}

function gated(driver: CloudDriver, atOnce: number): CloudDriver {
  const gate = new Gate(driver.name, atOnce);
  return {
    name: driver.name,
    find: (machine) => gate.pass(() => driver.find(machine)),
    power: (machine, request) => gate.pass(() => driver.power(machine, request)),
    finished: (machine, job) => gate.pass(() => driver.finished(machine, job)),
    list: () => driver.list(),
  };
}

/** The same drivers, each with at most `atOnce` calls in flight. */
export function gatedClouds(clouds: Clouds, atOnce: number): Clouds {
  const gates = new Map<CloudDriver, CloudDriver>();
  const gateOf = (driver: CloudDriver): CloudDriver => {
    const found = gates.get(driver) ?? gated(driver, atOnce);
    gates.set(driver, found);
    return found;
  };
  return Object.fromEntries(Object.entries(clouds).map(([type, driver]) => [type, gateOf(driver)]));
}
