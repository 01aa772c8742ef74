// Supervises one embedded server: restarts it on the same port when it dies, at once the first time, then with exponential
// back-off. The first start must succeed; later ones are retried until `stop`.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../kit/log.ts';
import { endProcess } from './end-process.ts';
import { spawnRecorded, type Program, type RunningChild } from './spawn.ts';

/** A program with `probe`, which resolves once the server responds, and `prepare`, which runs before each start. */
interface Server extends Program {
  readonly log: Logger;
  prepare?(): Promise<void>;
  probe(): Promise<void>;
}

const startTimeoutMs = 60_000;
const probePauseMs = 25;
const shortestPauseMs = 50;
const longestPauseMs = 5_000;
const stableMs = 10_000;

/** A supervised server, kept running until `stop`. */
export class SupervisedServer {
  readonly #server: Server;
  readonly #stopped = new AbortController();
  #running: RunningChild | undefined;
  #healing: Promise<void> = Promise.resolve();
  #pauseMs = shortestPauseMs;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Process id of the server, which changes when it is started again. */
  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** Starts the server; resolves when it answers and throws with the end of its log when it doesn't. */
  async start(): Promise<void> {
    const begun = Date.now();
    await this.#server.prepare?.();
    const running = await spawnRecorded(this.#server);
    this.#running = running;
    try {
      await this.#untilAnswering(running);
    } catch (error) {
      await endProcess(running.pid, running.identity, this.#server.stopSignal);
      throw error;
    }
    this.#server.log.debug({ child: running.pid, milliseconds: Date.now() - begun }, `${this.#server.role} answers`);
    this.#watch(running);
  }

  /** Stops the server and waits until it has gone. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#end();
    await this.#healing;
    await this.#end();
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #end(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    await endProcess(running.pid, running.identity, this.#server.stopSignal);
    await running.exited;
  }

  #watch(running: RunningChild): void {
    const since = Date.now();
    void running.exited.then((how) => {
      if (this.#isStopped()) return;
      this.#server.log.warn({ child: running.pid, how }, `${this.#server.role} ended by itself; starting it again`);
      if (Date.now() - since > stableMs) this.#pauseMs = shortestPauseMs;
      this.#healing = this.#heal();
    });
  }

  async #heal(): Promise<void> {
    while (!this.#isStopped()) {
      await delay(this.#pauseMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      if (this.#isStopped()) return;
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
      try {
        await this.start();
        this.#server.log.info({ child: this.pid }, `${this.#server.role} is back`);
        return;
      } catch (error) {
        if (!this.#isStopped()) this.#server.log.error({ err: error }, `${this.#server.role} did not come back`);
      }
    }
  }

  async #untilAnswering(running: RunningChild): Promise<void> {
    const { role } = this.#server;
    const deadline = Date.now() + startTimeoutMs;
    const end: { how?: string } = {};
    void running.exited.then((how) => {
      end.how = how;
    });
    for (;;) {
      const failure = await this.#server.probe().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (end.how !== undefined) throw new Error(`${role} ended at its start (${end.how}): ${running.logTail()}`);
      if (failure === undefined) return;
      if (this.#isStopped()) throw new Error(`${role} was stopped`);
      if (Date.now() > deadline)
        throw new Error(`${role} did not answer in ${startTimeoutMs / 1000} s: ${running.logTail()}`, {
          cause: failure,
        });
      await Promise.race([delay(probePauseMs), running.exited]);
    }
  }
}
