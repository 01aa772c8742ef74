// Approving a deploy task over HTTP, against a bare update with one commit: the same engine and a workflow whose handler
// runs one activity that updates one row.
import { bare, bareId, slipway } from './deploys.ts';
import { compareWithNoise, timed } from './harness.ts';
import type { Benchmark } from './harness.ts';
import { post } from './http.ts';
import { approveUpdate } from './trivial/workflow.ts';

export const approve: Benchmark = async ({ stack, quick, say }) => {
  say('approve: API, worker and bare worker');
  const ours = await slipway(stack, 'bench_approve');
  const base = await bare(stack, 'bench_approve_bare');
  try {
    const found = await compareWithNoise(
      async () => {
        const { id } = await base.create();
        const handle = stack.client.workflow.getHandle(bareId('bench_approve_bare', id));
        return await timed(() => handle.executeUpdate(approveUpdate, { args: [{ id }] }));
      },
      async () => {
        const { id } = await ours.create();
        const address = `${ours.url}/application/deploy-tasks/${id}/actions/approve/`;
        return await timed(() => post(address, ours.estate.reviewer.token));
      },
      { rounds: quick ? 2 : 5, calls: 10, warmUp: 10 },
    );
    return [{ name: 'approve against update + commit', unit: 'ms', aim: 1.3, ...found }];
  } finally {
    await Promise.all([ours.stop(), base.stop()]);
  }
};
