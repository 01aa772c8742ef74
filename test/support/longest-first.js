// The order of test files: those that wait longest begin first, so that no worker has one left when the others are done.
// Without durations of an earlier run, as in CI, jest goes by size; these are long whatever their size.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sequencer from '@jest/test-sequencer';

const Sequencer = sequencer.default ?? sequencer;

const longest = [
  'deploy/sub-tasks.test.ts',
  'deploy/crash.test.ts',
  'deploy/rolling.test.ts',
  'deploy/repeated.test.ts',
  'hosts/crash.test.ts',
  'workflows/replay.test.ts',
  'house/counts.test.ts',
  'deploy/leaving.test.ts',
  'gate/inputs.test.ts',
  'deploy/maintenance.test.ts',
  'deploy/undo.test.ts',
  'gate/values-in-scripts.test.ts',
  'deploy/chunks.test.ts',
  'deploy/bad-release.test.ts',
  'deploy/health.test.ts',
  'deploy/process.test.ts',
  'api/audit-export.test.ts',
  'deploy/outbox.test.ts',
  'hosts/trouble.test.ts',
  'deploy/freezes.test.ts',
  'audit-failure/audit-failure.test.ts',
  'gate/engine-port.test.ts',
  'deploy/continued.test.ts',
  'hosts/minion-script.test.ts',
  'deploy/deploy-path.test.ts',
  'gate/plan.test.ts',
  'deploy/takeover.test.ts',
  'applications/what-runs.test.ts',
  'gate/steps.test.ts',
  'matrix/matrix.test.ts',
  'deploy/starts.test.ts',
  'deploy/what-runs.test.ts',
  'hosts/at-a-glance.test.ts',
  'providers/runner-agent.test.ts',
  'deploy/live.test.ts',
  'gate/accounts.test.ts',
  'applications/instance-actions.test.ts',
  'kit/jinja.test.ts',
  'gate/votes.test.ts',
  'providers/runner-local.test.ts',
  'hosts/power.test.ts',
  'embedded/stack.test.ts',
  'hosts/packages.test.ts',
  'providers/cloud-ipmi.test.ts',
  'db/many-rows.test.ts',
  'hosts/minion.test.ts',
  'deploy/reconcile.test.ts',
  'api/tracing.test.ts',
  'deploy/hook-values.test.ts',
  'hosts/host-import.test.ts',
  'applications/instance-log.test.ts',
  'api/second-factor.test.ts',
  'applications/instance-tasks.test.ts',
  'deploy/waits.test.ts',
  'hosts/ipmi.test.ts',
  'deploy/signals.test.ts',
  'api/password-mail.test.ts',
  'deploy/policies.test.ts',
  'deploy/approvals.test.ts',
  'gate/standing.test.ts',
  'hosts/cancel.test.ts',
  'providers/runner-salt.provider.ts',
  'providers/packages-deploy.provider.ts',
  'providers/monitoring-zabbix.provider.ts',
  'providers/maintenance-zabbix.provider.ts',
  'providers/runners-deploy.provider.ts',
  'providers/repository-ftp.provider.ts',
  'providers/minion-install.provider.ts',
  'providers/repository-git.provider.ts',
  'providers/runner-ssh.provider.ts',
];

const gone = longest.filter((name) => !existsSync(join(import.meta.dirname, '..', name)));
if (gone.length > 0) throw new Error(`test/support/longest-first.js names files that are gone: ${gone.join(', ')}`);

/** The lower, the earlier. */
const place = ({ path }) => {
  const found = longest.findIndex((name) => path.endsWith(`/test/${name}`));
  return found === -1 ? longest.length : found;
};

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const usual = await super.sort(tests);
    return usual.sort((one, other) => place(one) - place(other));
  }
}
