// The first page of a million deploy tasks over HTTP, against a minimal server that returns the same rows and count.
import { compareWithNoise } from './harness.ts';
import type { Benchmark } from './harness.ts';
import { visit } from './http.ts';
import { seededPair } from './seeded.ts';

const path = '/application/deploy-tasks/';

export const list: Benchmark = async ({ stack, quick, say }) => {
  const { big } = await seededPair(stack, quick, say);
  const bare = await stack.rawList(big.databaseUrl);
  const { token } = big.seeded.admin;
  try {
    const blocks = { rounds: quick ? 3 : 6, calls: 50, warmUp: 100 };
    const measured = async (query: string) =>
      compareWithNoise(
        () => visit(`${bare.url}${path}${query}`),
        () => visit(`${big.url}${path}${query}`, token),
        blocks,
      );
    const rows = [
      { query: '', name: 'list page of 10 against raw SQL' },
      { query: '?page_size=100', name: 'list page of 100 against raw SQL' },
    ];
    const found = [];
    for (const { query, name } of rows) found.push({ name, unit: 'ms' as const, aim: 2, ...(await measured(query)) });
    return found;
  } finally {
    await bare.stop();
  }
};
