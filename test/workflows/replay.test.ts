import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../../activities/bundle.ts';
import { quietRuntime } from '../world.ts';
import { bundleWith, histories, replay } from './replay.ts';

beforeAll(quietRuntime);

test('there is a history of every lifecycle', () => {
  expect(histories()).toEqual([
    'deploy-change.json',
    'deploy-close.json',
    'deploy-delegate.json',
    'deploy-finish.json',
    'deploy-messages.json',
    'deploy-reject.json',
    'host-adoption.json',
    'host-import.json',
    'init-hosts.json',
    'instances-failed.json',
    'instances-started.json',
    'instances-timed-out.json',
    'revert-finished.json',
    'upgrade-finished.json',
    'upgrade-timed-out.json',
    'upgrade-undone.json',
  ]);
});

test.each(histories())('%s can go on with the present workflows', async (name) => {
  await replay(name, { codePath: await workflowBundle() });
});

test('where workflows are traced they decide the same', async () => {
  const codePath = await workflowBundle({ traced: true });
  for (const name of histories()) await replay(name, { codePath });
});

const seeded: [string, string, string, string, string][] = [
  ['a step left out', 'deploy/sub-task.ts', "  await step('unpack');\n", '', 'upgrade-finished.json'],
  [
    'an undo in another order',
    'undo.ts',
    'this.#inverses.pop(); inverse;',
    'this.#inverses.shift(); inverse;',
    'upgrade-undone.json',
  ],
  ['a decision without its record', 'approval.ts', 'await this.#table.record(', 'void (', 'deploy-finish.json'],
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
  ['hosts one after another', 'hosts/workflow.ts', 'inFlight = 50', 'inFlight = 1', 'init-hosts.json'],
];

test.each(seeded)(
  '%s is noticed',
  async (_what, file, from, to, history) => {
    await expect(replay(history, await bundleWith(file, from, to))).rejects.toThrow(DeterminismViolationError);
  },
  120_000,
);

test('a change that decides nothing is not', async () => {
  const harmless = await bundleWith('deploy/sub-task.ts', 'const atOnce = 10;', 'const atOnce = 9 + 1;');
  await replay('upgrade-finished.json', harmless);
}, 120_000);
