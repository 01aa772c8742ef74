/** Asks until there is an answer other than null; fails after `ms`. */
export async function until<T>(ask: () => Promise<T | null> | T | null, ms = 15_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > end) throw new Error(`nothing after ${ms} ms`);
    await new Promise((next) => setTimeout(next, 15));
  }
}
