/** Retries `attempt` every few ms until it returns a value other than false without throwing. */
export async function until<T>(attempt: () => Promise<T | false>, timeoutMs = 30_000): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      const found = await attempt();
      if (found !== false) return found;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    if (performance.now() > end) throw new Error('it did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
