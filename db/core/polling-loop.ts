import type { WarningLog } from './connect.ts';

export interface Loop {
  /** Starts the next round immediately. */
  wake(): void;
  /** Resolves when the current round has ended; no further one starts. */
  stop(): Promise<void>;
}

interface LoopOptions {
  everyMs: number;
  /** Logged if a round fails; the loop continues. */
  failure: string;
  log: WarningLog;
  /** Returns true if the next round should follow immediately. */
  round(): Promise<boolean>;
}

/** Runs rounds one after the other, `everyMs` apart or when woken, until stopped. */
export function startLoop({ everyMs, failure, log, round }: LoopOptions): Loop {
  let stopped = false;
  let woken = Promise.withResolvers<void>();
  const run = async (): Promise<void> => {
    while (!stopped) {
      const more = await round().catch((error: unknown) => {
        log.warn({ err: error }, failure);
        return false;
      });
      if (more) continue;
      const timer = setTimeout(woken.resolve, everyMs);
      await woken.promise;
      clearTimeout(timer);
      woken = Promise.withResolvers();
    }
  };
  const running = run();
  return {
    wake: () => {
      woken.resolve();
    },
    stop: async () => {
      stopped = true;
      woken.resolve();
      await running;
    },
  };
}
