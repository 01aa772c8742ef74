// Tasks over 1,000 and 10,000 hosts of an in-memory cloud, against the minimal equivalent on the same engine and database:
// time, history events per host, and the workers' memory afterwards.
import { median } from './harness.ts';
import type { Benchmark, Row } from './harness.ts';
import { bareSide, slipwaySide } from './hosts/sides.ts';
import type { Stopped } from './hosts/sides.ts';
import { residentMemory } from './memory.ts';

export const hosts: Benchmark = async ({ stack, quick, say }) => {
  const most = quick ? 1_000 : 10_000;
  const bare = await bareSide(stack, 'bench_hosts_bare', most);
  const ours = await slipwaySide(stack, 'bench_hosts', most);
  const rows: Row[] = [];
  try {
    for (const side of [bare, ours]) await side.stopHosts(100);
    for (const count of [1_000, 10_000].filter((one) => one <= most)) {
      say(`hosts: ${count} a side`);
      const found = { bare: [] as Stopped[], ours: [] as Stopped[] };
      for (const name of ['bare', 'ours', 'ours', 'bare'] as const)
        found[name].push(await { bare, ours }[name].stopHosts(count));
      const row = (name: string, unit: Row['unit'], aim: number, of: (one: Stopped) => number): Row => {
        const [base, own] = [median(found.bare.map(of)), median(found.ours.map(of))];
        return { name: `${name} of ${count} hosts`, unit, aim, noise: null, base, ours: own, ratio: own / base };
      };
      rows.push(row('task', 's', 1.5, ({ ms }) => ms / 1_000));
      rows.push(row('events per host', 'events', 1.2, ({ events }) => events / count));
    }
    const [base, own] = [await residentMemory(bare.pid), await residentMemory(ours.pid)];
    rows.push({
      name: `worker after ${most} hosts`,
      unit: 'MiB',
      aim: 1.3,
      noise: null,
      base,
      ours: own,
      ratio: own / base,
    });
    return rows;
  } finally {
    await Promise.all([bare.stop(), ours.stop()]);
  }
};
