// The list of hosts at a million and at ten thousand, with its count, for every filter, as an administrator and as a user
// who sees 200 of them: shows costs that grow with the table.
import { compare } from './harness.ts';
import type { Benchmark, BenchContext, Row } from './harness.ts';
import { seedHosts } from './host-seed.ts';
import type { BenchPeople } from './host-seed.ts';
import { visit } from './http.ts';

interface Inventory {
  url: string;
  people: BenchPeople;
}

async function seeded({ stack, say }: BenchContext, name: string, count: number): Promise<Inventory> {
  say(`seeding ${count} hosts`);
  const databaseUrl = await stack.database(name);
  const people = await seedHosts(databaseUrl, count);
  return { url: (await stack.api(databaseUrl, name)).url, people };
}

const filters: Record<string, string> = {
  'no filter': '',
  'name, common': 'name=web',
  'name, rare': 'name=cache-4662',
  'name, none': 'name=no-such',
  host_type: 'host_type=TECENT_CVM',
  'status, common': 'status=inited',
  'status, rare': 'status=offline',
  os_status: 'os_status=stopped',
  'ip, common': 'ip=10.0.1',
  'ip, rare': 'ip=10.0.17.4',
  'ip, the newest network': 'ip=10.15.6',
  location: 'location=rack 77',
  application: 'application=7',
  'three at once': 'status=inited&os_status=running&name=db',
  'page 90': 'page=90',
};

export const hostList: Benchmark = async (context) => {
  const { quick } = context;
  const most = quick ? 100_000 : 1_000_000;
  const [big, small] = [
    await seeded(context, 'bench_hosts_big', most),
    await seeded(context, 'bench_hosts_small', 10_000),
  ];
  const rows: Row[] = [];
  for (const who of ['admin', 'limited'] as const)
    for (const [name, query] of Object.entries(filters)) {
      const reading =
        ({ url, people }: Inventory) =>
        () =>
          visit(`${url}/hosts/?${encodeURI(query)}`, people[who].token);
      const found = await compare(reading(small), reading(big), { rounds: quick ? 1 : 2, calls: 20, warmUp: 8 });
      rows.push({
        name: `hosts at ${most} against 10000, ${who}, ${name}`,
        unit: 'ms',
        aim: { p95: 50 },
        noise: null,
        ...found,
      });
    }
  return rows;
};
