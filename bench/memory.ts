// Memory of a worker process that holds deploy tasks waiting for approval, against a bare SDK worker with as many trivial
// waiting workflows; both may cache all of them.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bare, slipway } from './deploys.ts';
import { median } from './harness.ts';
import type { Benchmark, Row } from './harness.ts';

const run = promisify(execFile);
const atOnce = 8;

/** Resident memory of a process in MiB: the median of five samples, a second apart. */
export async function residentMemory(pid: number): Promise<number> {
  const looks: number[] = [];
  for (let look = 0; look < 5; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    looks.push(Number((await run('ps', ['-o', 'rss=', '-p', String(pid)])).stdout) / 1024);
  }
  return median(looks);
}

async function inParallel(count: number, work: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

export const memory: Benchmark = async ({ stack, quick, say }) => {
  const count = quick ? 200 : 1_000;
  say(`memory: ${count} waiting workflows a side`);
  const ours = await slipway(stack, 'bench_memory', { SLIPWAY_MAX_CACHED_WORKFLOWS: '2000' });
  const base = await bare(stack, 'bench_memory_bare');
  try {
    for (const side of [base, ours]) await inParallel(20, () => side.create());
    const before = [await residentMemory(base.workerPid), await residentMemory(ours.workerPid)];
    for (const side of [base, ours]) await inParallel(count, () => side.create());
    const after = [await residentMemory(base.workerPid), await residentMemory(ours.workerPid)];
    const row = (name: string, [first = 0, second = 0]: number[]): Row => {
      const ratio = second / first;
      return { name, unit: 'MiB', aim: 1.3, noise: null, base: first, ours: second, ratio };
    };
    const growth = after.map((value, index) => ((value - (before[index] ?? 0)) * 1_000) / count);
    const whole = row(`worker with ${count} waiting tasks`, after);
    // A few workflows add less than one garbage collection frees.
    return quick ? [whole] : [whole, row('what 1,000 waiting tasks add', growth)];
  } finally {
    await Promise.all([ours.stop(), base.stop()]);
  }
};
