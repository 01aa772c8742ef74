// Creating a deploy task over HTTP (permission, plan, audit and outbox in one commit, then the workflow's start), against
// inserting a row and starting a trivial workflow. Between calls both sides wait until their workflow is idle.
import { bare, slipway } from './deploys.ts';
import { compareWithNoise } from './harness.ts';
import type { Benchmark } from './harness.ts';

export const create: Benchmark = async ({ stack, quick, say }) => {
  say('create: API, worker and bare worker');
  const ours = await slipway(stack, 'bench_create');
  const base = await bare(stack, 'bench_create_bare');
  try {
    const found = await compareWithNoise(
      async () => (await base.create()).ms,
      async () => (await ours.create()).ms,
      { rounds: quick ? 2 : 5, calls: 10, warmUp: 10 },
    );
    return [{ name: 'create against INSERT + start', unit: 'ms', aim: 1.25, ...found }];
  } finally {
    await Promise.all([ours.stop(), base.stop()]);
  }
};
