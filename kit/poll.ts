interface PollOptions {
  timeoutMs: number;
  everyMs: number;
  /** The pause grows with the time waited, up to this. */
  mostMs?: number;
  /** Whether an attempt that throws is repeated; its error is thrown at the end. */
  bearsErrors: boolean;
  /** What is waited for, as in "until … ". */
  what?: string;
}

/** Repeats `attempt`, at least once, until it returns a value other than false. */
export async function poll<T>(attempt: () => T | Promise<T>, options: PollOptions): Promise<Exclude<T, false>> {
  const { timeoutMs, everyMs, mostMs = everyMs, bearsErrors, what = 'the condition came true' } = options;
  const begin = performance.now();
  for (;;) {
    let failure: unknown = new Error(`waited ${timeoutMs / 1000} s in vain until ${what}`);
    try {
      const result = await attempt();
      if (result !== false) return result as Exclude<T, false>;
    } catch (error) {
      if (!bearsErrors) throw error;
      failure = error;
    }
    const waited = performance.now() - begin;
    if (waited >= timeoutMs) throw failure;
    const pause = Math.min(mostMs, Math.max(everyMs, waited / 20));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
