// The same list at a million deploy tasks and at ten thousand, with its count, for every filter, as an administrator and as
// a user who sees 50 of 1,000 applications: shows costs that grow with the table.
import { compare } from './harness.ts';
import type { Benchmark, Row } from './harness.ts';
import { visit } from './http.ts';
import { seededPair } from './seeded.ts';
import type { SeededApi } from './seeded.ts';

const week = (): string => {
  const day = 86_400_000;
  const [from, to] = [Date.now() - 10 * day, Date.now() - 3 * day].map((time) => new Date(time).toISOString());
  return `time__gt=${from}&time__lt=${to}`;
};

const filters = ({ seeded }: SeededApi): Record<string, string> => ({
  'no filter': '',
  application: `application=${seeded.applicationId}`,
  creator: 'creator=user-17',
  level: 'level=S,A',
  'status finished': 'status=finished',
  'status wait_review': 'status=wait_review',
  'version, common': 'version=.17',
  'version, rare': 'version=0.13.7',
  'version, none': 'version=no-such',
  'time range': week(),
  mine: 'mine=true',
  'awaiting me': 'awaiting_me=true',
  'level and status': 'level=S&status=failed',
  'page 90': 'page=90',
});

export const scale: Benchmark = async ({ stack, quick, say }) => {
  const { big, small } = await seededPair(stack, quick, say);
  const rows: Row[] = [];
  for (const who of ['admin', 'limited'] as const)
    for (const [filter, query] of Object.entries(filters(big))) {
      const reading = (api: SeededApi) => () =>
        visit(`${api.url}/application/deploy-tasks/?${query}`, api.seeded[who].token);
      const blocks = { rounds: quick ? 1 : 2, calls: 15, warmUp: 8 };
      const found = await compare(reading(small), reading(big), blocks);
      rows.push({
        name: `list at ${big.count} against 10000, ${who}, ${filter}`,
        unit: 'ms',
        aim: 1.5,
        noise: null,
        ...found,
      });
    }
  const again = () => visit(`${small.url}/application/deploy-tasks/`, small.seeded.admin.token);
  const { ratio } = await compare(again, again, { rounds: 2, calls: 15 });
  return rows.map((row, index) => (index === 0 ? { ...row, noise: ratio } : row));
};
