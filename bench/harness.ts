// Compares two sides within one run. Blocks of calls alternate A, B, B, A, so drift of the machine affects both sides;
// medians discard pauses. A side compared with itself gives the noise of a ratio.
import type { BenchStack } from './stack.ts';

/** One call of one side. Returns the measured time in ms, or nothing to measure the whole call. */
type Side = () => Promise<number | undefined> | Promise<void>;

interface Comparison {
  /** Medians in ms. */
  base: number;
  ours: number;
  ratio: number;
  /** The 95th percentile of ours. */
  p95: number;
}

/** One line of the report. */
export interface Row extends Pick<Comparison, 'base' | 'ours' | 'ratio'> {
  name: string;
  /** Of ours, if it was measured call by call. */
  p95?: number;
  /** Base and ours. */
  unit: 'ms' | 'MiB' | 's' | 'events';
  /** Largest acceptable ratio; or largest acceptable p95, where the ratio is only told. */
  aim: number | { p95: number };
  /** The base against itself: 1 on a quiet machine; null if not measured. */
  noise: number | null;
}

export interface BenchContext {
  stack: BenchStack;
  /** Fewer calls and smaller tables. */
  quick: boolean;
  /** Reports progress on standard error. */
  say(text: string): void;
}

export type Benchmark = (context: BenchContext) => Promise<Row[]>;

interface Blocks {
  /** Rounds of four blocks. */
  rounds: number;
  /** Calls per block. */
  calls: number;
  /** Warm-up calls of each side, not counted. */
  warmUp?: number;
}

/** Compares two sides in interleaved blocks. */
export async function compare(base: Side, ours: Side, { rounds, calls, warmUp = 3 }: Blocks): Promise<Comparison> {
  const times = new Map<'base' | 'ours', number[]>([
    ['base', []],
    ['ours', []],
  ]);
  const sides = { base, ours };
  for (const side of ['base', 'ours'] as const) await block(sides[side], warmUp);
  for (let round = 0; round < rounds; round += 1)
    for (const side of ['base', 'ours', 'ours', 'base'] as const)
      times.get(side)?.push(...(await block(sides[side], calls)));
  const own = times.get('ours') ?? [];
  const [first, second] = [median(times.get('base') ?? []), median(own)];
  return { base: first, ours: second, ratio: second / first, p95: percentile(own, 0.95) };
}

/** `compare`, plus the base against itself in half as many rounds. */
export async function compareWithNoise(
  base: Side,
  ours: Side,
  blocks: Blocks,
): Promise<Comparison & { noise: number }> {
  const found = await compare(base, ours, blocks);
  const { ratio } = await compare(base, base, {
    ...blocks,
    rounds: Math.max(1, Math.ceil(blocks.rounds / 2)),
    warmUp: 0,
  });
  return { ...found, noise: ratio };
}

async function block(side: Side, calls: number): Promise<number[]> {
  const times: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const started = performance.now();
    const own = await side();
    times.push(own ?? performance.now() - started);
  }
  return times;
}

/** The median; 0 of an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below = 0, above = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (below + above) / 2;
}

/** The smallest value that this share of all values does not exceed; 0 of an empty list. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** The duration of `work`, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
