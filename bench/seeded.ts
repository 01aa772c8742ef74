// The databases of the list benchmarks, each with an API; made once per run and stopped with the stack.
import { seed } from './seed.ts';
import type { Seeded } from './seed.ts';
import type { BenchStack } from './stack.ts';

export interface SeededApi {
  databaseUrl: string;
  url: string;
  count: number;
  seeded: Seeded;
}

interface Pair {
  big: SeededApi;
  small: SeededApi;
}

let pair: Promise<Pair> | undefined;

/** A million deploy tasks (100,000 when quick) and 10,000. */
export function seededPair(stack: BenchStack, quick: boolean, say: (text: string) => void): Promise<Pair> {
  pair ??= makePair(stack, quick ? 100_000 : 1_000_000, say);
  return pair;
}

async function makePair(stack: BenchStack, count: number, say: (text: string) => void): Promise<Pair> {
  const make = async (name: string, tasks: number): Promise<SeededApi> => {
    say(`seeding ${tasks} deploy tasks`);
    const databaseUrl = await stack.database(name);
    const seeded = await seed(databaseUrl, tasks);
    const { url } = await stack.api(databaseUrl, name);
    return { databaseUrl, url, count: tasks, seeded };
  };
  return { big: await make('bench_big', count), small: await make('bench_small', 10_000) };
}
