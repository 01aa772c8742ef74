// A rolling deploy to 1,000 instances in batches of 100, on in-memory hosts, against the bare fan-out of the same
// activities: time, and history events per instance.
import { median } from './harness.ts';
import type { Benchmark, Row } from './harness.ts';
import { sidesOf } from './rolling/sides.ts';
import type { Rolled } from './rolling/sides.ts';

export const rolling: Benchmark = async ({ stack, quick, say }) => {
  const count = quick ? 200 : 1_000;
  const sides = await sidesOf(stack, count);
  try {
    const found = { bare: [] as Rolled[], ours: [] as Rolled[] };
    for (const side of ['bare', 'ours', 'ours', 'bare'] as const) {
      say(`rolling: ${count} instances, ${side}`);
      found[side].push(await sides[side]());
    }
    const row = (name: string, unit: Row['unit'], aim: number, of: (one: Rolled) => number): Row => {
      const [base, ours] = [median(found.bare.map(of)), median(found.ours.map(of))];
      return { name: `${name} of ${count}`, unit, aim, noise: null, base, ours, ratio: ours / base };
    };
    return [
      row('rolling deploy', 's', 1.5, ({ ms }) => ms / 1_000),
      row('rolling events per instance', 'events', 1.2, ({ events }) => events / count),
    ];
  } finally {
    await sides.stop();
  }
};
