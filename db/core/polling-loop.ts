import type { WarningLog } from './connect.ts';

export interface Loop {
  /** Has the next round begin at once. */
  wake(): void;
  /** Resolves when the round under way has ended; none follows. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  everyMs: number;
  /** Logged when a round fails; the next one comes all the same. */
  failure: string;
  log: WarningLog;
  /** True when there is more to do at once. */
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
