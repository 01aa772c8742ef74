// The order of test files: those that wait longest begin first, so that no worker has one left when the others are done.
// Without durations of an earlier run, as in CI, jest goes by size; these are long whatever their size.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sequencer from '@jest/test-sequencer';

const Sequencer = sequencer.default ?? sequencer;

const longest = [
  'deploy/sub-tasks',
  'deploy/crash',
  'deploy/rolling',
  'deploy/repeated',
  'hosts/crash',
  'workflows/replay',
  'house/counts',
  'deploy/leaving',
  'gate/inputs',
  'deploy/maintenance',
  'deploy/undo',
  'gate/values-in-scripts',
  'deploy/chunks',
  'deploy/bad-release',
  'deploy/health',
  'deploy/process',
  'api/audit-export',
  'deploy/outbox',
  'hosts/trouble',
  'deploy/freezes',
  'audit-failure/audit-failure',
  'gate/engine-port',
  'deploy/continued',
  'hosts/minion-script',
  'deploy/deploy-path',
  'gate/plan',
  'deploy/takeover',
  'applications/what-runs',
  'gate/steps',
  'matrix/matrix',
  'deploy/starts',
  'deploy/what-runs',
  'hosts/at-a-glance',
  'providers/runner-agent',
  'deploy/live',
  'gate/accounts',
  'applications/instance-actions',
  'kit/jinja',
  'gate/votes',
  'providers/runner-local',
  'hosts/power',
  'embedded/stack',
  'hosts/packages',
  'providers/cloud-ipmi',
  'db/many-rows',
  'hosts/minion',
  'deploy/reconcile',
  'api/tracing',
  'deploy/hook-values',
  'hosts/host-import',
  'applications/instance-log',
  'api/second-factor',
  'applications/instance-tasks',
  'deploy/waits',
  'hosts/ipmi',
  'deploy/signals',
  'api/password-mail',
  'deploy/policies',
  'deploy/approvals',
  'gate/standing',
  'hosts/cancel',
];

const gone = longest.filter((name) => !existsSync(join(import.meta.dirname, '..', `${name}.test.ts`)));
if (gone.length > 0) throw new Error(`test/support/longest-first.js names files that are gone: ${gone.join(', ')}`);

/** The lower, the earlier. */
const place = ({ path }) => {
  const found = longest.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return found === -1 ? longest.length : found;
};

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const usual = await super.sort(tests);
    return usual.sort((one, other) => place(one) - place(other));
  }
}
