import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../../activities/bundle.ts';
import { quietRuntime } from '../support/world.ts';
import { bundlesWith, histories, replay, replayAll } from '../support/workflows/replay.ts';

beforeAll(quietRuntime);

test('there is a history of every lifecycle', () => {
  expect(histories()).toEqual([
    'certificate-request.json',
    'deploy-automatic.json',
    'deploy-broken-glass.json',
    'deploy-change.json',
    'deploy-close.json',
    'deploy-delegate.json',
    'deploy-finish.json',
    'deploy-held.json',
    'deploy-messages.json',
    'deploy-read-later.json',
    'deploy-reject.json',
    'deploy-retried.json',
    'deploy-rollout.json',
    'deploy-sent-back.json',
    'deploy-signed.json',
    'deploy-steps.json',
    'domain-request.json',
    'host-adoption.json',
    'host-import.json',
    'host-removed.json',
    'host-request.json',
    'hosts-chunk.json',
    'hosts-in-chunks.json',
    'hosts-stopped.json',
    'init-hosts.json',
    'instances-failed.json',
    'instances-started.json',
    'instances-timed-out.json',
    'revert-finished.json',
    'upgrade-chunk.json',
    'upgrade-finished.json',
    'upgrade-first-chunk.json',
    'upgrade-in-chunks.json',
    'upgrade-maintained.json',
    'upgrade-timed-out.json',
    'upgrade-undone.json',
  ]);
});

describe.each([false, true])('with the present workflows, traced: %s,', (traced) => {
  let results: Map<string, Error | undefined>;
  beforeAll(async () => {
    results = await replayAll({ codePath: await workflowBundle({ traced }) });
  }, 120_000);

  test.each(histories())('%s can go on', (name) => {
    expect(results.has(name)).toBe(true);
    expect(results.get(name)).toBeUndefined();
  });
});

const seeded: [string, string, string, string, string][] = [
  [
    'a step left out',
    'deploy/sub-task.ts',
    "  if (isUpgrade) await step('unpack', 'drop_release');\n",
    '',
    'upgrade-finished.json',
  ],
  [
    'an undo in another order',
    'lib/undo.ts',
    'this.#inverses.pop(); inverse;',
    'this.#inverses.shift(); inverse;',
    'upgrade-undone.json',
  ],
  ['a decision without its record', 'approvals/engine.ts', 'await this.#table.record(', 'void (', 'deploy-finish.json'],
  [
    'a check left out',
    'applications/workflow.ts',
    "(['start', 'check'] as const)",
    "(['start'] as const)",
    'instances-started.json',
  ],
  [
    'a batch after a failure',
    'applications/workflow.ts',
    'if (!done.every(Boolean)) break;',
    '',
    'instances-failed.json',
  ],
  [
    'a fulfilment without another look at the approval',
    'requests/workflow.ts',
    'await approval.alone(() => this.#ensureStillApproved());',
    '',
    'host-request.json',
  ],
  ['hosts one after another', 'hosts/workflow.ts', 'inFlight = 50', 'inFlight = 1', 'init-hosts.json'],
  [
    'a batch of a rollout without asking for a freeze',
    'deploy/rollout.ts',
    '(await this.#isClear(state, stopped)) && ',
    '',
    'deploy-rollout.json',
  ],
  [
    'a batch without weighing the votes',
    'deploy/rollout.ts',
    ' && (await this.#isApproved(state, stopped))',
    '',
    'deploy-sent-back.json',
  ],
  [
    'a message that is not authorised',
    'approvals/engine.ts',
    'await this.#table.authorize(decide, proof)',
    '{} as Decider',
    'deploy-signed.json',
  ],
  ['a rollout that goes on while it is paused', 'deploy/rollout.ts', 'state.paused || ', '', 'deploy-rollout.json'],
  [
    'a held start without another look at the plan',
    'deploy/start.ts',
    'if (await this.#remade()) return null;',
    '',
    'deploy-held.json',
  ],
  [
    'a task on hosts that is not settled',
    'hosts/workflow.ts',
    'await settleHostTask({ taskId, error: null });\n    await release',
    'await release',
    'hosts-stopped.json',
  ],
  [
    'a maintenance that is never ended',
    'maintenance/hold.ts',
    'await whatever(hands.releaseMaintenance({ taskId }));',
    '',
    'upgrade-maintained.json',
  ],
  ['larger chunks of hosts', 'hosts/contract.ts', 'hostsPerChunk = 50', 'hostsPerChunk = 60', 'hosts-in-chunks.json'],
  [
    'a free lane that is handed to no chunk',
    'deploy/chunks.ts',
    'await handle?.signal(moreLanesSignal, this.#take(chunk)).catch(() => undefined);',
    'this.#take(chunk);',
    'upgrade-in-chunks.json',
  ],
  [
    'a lane that is not given back',
    'deploy/chunks.ts',
    'if (isLast || !parent) return;',
    'if (isLast || parent) return;',
    'upgrade-first-chunk.json',
  ],
];

const harmless = { file: 'deploy/sub-task.ts', from: 'const atOnce = 10;', to: 'const atOnce = 9 + 1;' };

describe('of the workflows with a fault', () => {
  let bundles: { code: string }[];
  beforeAll(async () => {
    bundles = await bundlesWith([harmless, ...seeded.map(([, file, from, to]) => ({ file, from, to }))]);
  }, 120_000);

  test.each(seeded.map(([what, , , , history], index) => ({ what, history, index })))(
    '$what is noticed',
    async ({ history, index }) => {
      await expect(replay(history, bundles[index + 1] ?? { code: '' })).rejects.toThrow(DeterminismViolationError);
    },
    120_000,
  );

  test('a change that decides nothing is not', async () => {
    await replay('upgrade-finished.json', bundles[0] ?? { code: '' });
  }, 120_000);
});
