// Two sides are compared within one run: blocks of calls in the order A, B, B, A, so that a machine that gets slower or
// faster meanwhile does so to both, and medians, so that a pause hits neither. A side compared with itself says how much
// of a ratio is noise.
import type { BenchStack } from './stack.ts';

/** One call of one side; what it answers is the time that counts, in ms, if not the whole call does. */
export type Side = () => Promise<number | undefined> | Promise<void>;

export interface Comparison {
  /** Medians in ms. */
  base: number;
  ours: number;
  ratio: number;
}

/** One line of the report. */
export interface Row extends Comparison {
  name: string;
  /** Of base and ours. */
  unit: 'ms' | 'MiB' | 's' | 'events';
  /** Largest ratio that is good enough. */
  aim: number;
  /** The base against itself: 1 on a quiet machine; null where it was not measured. */
  noise: number | null;
}

export interface BenchContext {
  stack: BenchStack;
  /** Fewer calls and smaller tables. */
  quick: boolean;
  /** Says on standard error what is being done. */
  say(text: string): void;
}

export type Benchmark = (context: BenchContext) => Promise<Row[]>;

export interface Blocks {
  /** Rounds of four blocks. */
  rounds: number;
  /** Calls a block. */
  calls: number;
  /** Calls of each side beforehand that don't count. */
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
  const [first, second] = [median(times.get('base') ?? []), median(times.get('ours') ?? [])];
  return { base: first, ours: second, ratio: second / first };
}

/** `compare`, and the base against itself in half as many rounds. */
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

/** The middle value; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below = 0, above = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (below + above) / 2;
}

/** The time that `work` takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
