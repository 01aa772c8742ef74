// Applies the operator's host rules on a host: users that commands may run as, and roots for paths.
import { mayRunAs, refusedNames } from '../../kit/host-rules.ts';
import type { HostRules, PathKind } from '../../kit/host-rules.ts';
import { refused } from '../providers/error.ts';
import type { Job, Runner, RunnerHost } from '../providers/runner/driver.ts';

/** Throws ProviderError if commands may not run as the user; null is the runner's own, for Slipway's own commands. */
export function demandUser(rules: HostRules, { name }: RunnerHost, user: Job['user']): void {
  const [wrong] = refusedNames(rules, [{ field: 'user', kind: 'user', value: user }]);
  if (wrong || user === '') throw refused('users', `a user that commands may not run as on ${name}: ${user || 'none'}`);
}

/** Whether the rules exclude root under any name. */
export const isNeverRoot = ({ runUsers }: HostRules): boolean => !mayRunAs('root', runUsers);

/** Additional environment of Slipway's own scripts: allowed roots and users of this host. */
export function ownEnvironment(of: { rules: HostRules; runner: Runner; host: RunnerHost }): Job['env'] {
  const { rules, runner, host } = of;
  const foldersOf = (kind: PathKind): string => rules.roots[kind].map((root) => runner.path(host, root)).join('\n');
  return {
    SLIPWAY_ROOTS: foldersOf('deploy'),
    SLIPWAY_PID_ROOTS: foldersOf('pid'),
    SLIPWAY_NEVER_ROOT: isNeverRoot(rules) ? 'yes' : '',
  };
}
