// The operator's rules for paths and users on hosts: folders that a runner follows, often as root, and users that commands
// run as. Paths are compared as text here; the host resolves links and compares again.
import { posix } from 'node:path';
import { isIn, neverFollowed } from './host-paths.ts';
import type { hostRuleSettings } from './config/host-rule-settings.ts';
import { msg } from './messages/message.ts';

export type PathKind = 'deploy' | 'pid' | 'log' | 'package';

/** Allowed roots of each kind of path, and allowed users: names, `*` for all, `!name` for an exception. */
export interface HostRules {
  roots: Readonly<Record<PathKind, readonly string[]>>;
  runUsers: readonly string[];
  /** The user of this process, allowed on local hosts, which are folders of its machine; null: there are no such hosts. */
  localUser: string | null;
}

type RuleConfig = Readonly<Record<keyof typeof hostRuleSettings, readonly string[]>>;

/** The rules of a configuration; `localUser` as in `HostRules`. */
export const hostRulesOf = (
  { deployRoots, packageRoots, logRoots, runUsers: users }: RuleConfig,
  localUser: string | null,
): HostRules => ({
  roots: {
    deploy: deployRoots,
    pid: [...deployRoots, '/run', '/var/run'],
    log: [...new Set([...logRoots, ...deployRoots])],
    package: packageRoots.length > 0 ? packageRoots : [...deployRoots, '/packages', '/tmp'],
  },
  runUsers: users,
  localUser,
});

/** The rules for what runs on these hosts. */
export const rulesOn = (rules: HostRules, hosts: readonly { runner: string }[]): HostRules =>
  hosts.every(({ runner }) => runner === 'local') ? rules : { ...rules, localUser: null };

/** Whether a path lies strictly below one of the roots. */
export function isBelow(path: string, roots: readonly string[]): boolean {
  const plain = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (neverFollowed.some((never) => plain === never || isIn(plain, never))) return false;
  return roots.some((root) => plain !== root && isIn(plain, root));
}

/** Whether commands may run as this user. */
export const mayRunAs = (user: string, runUsers: readonly string[]): boolean =>
  !runUsers.includes(`!${user}`) && (runUsers.includes('*') || runUsers.includes(user));

/** A path or user from a request; empty or absent ones are ignored. */
export interface Named {
  field: string;
  kind: PathKind | 'user';
  value: string | null | undefined;
}

/** What is wrong with a path or user by the operator's lists; null: nothing. */
function mistakeOf({ roots, runUsers: users, localUser }: HostRules, { kind, value }: Named) {
  if (!value) return null;
  if (kind === 'user') {
    return value === localUser || mayRunAs(value, users) ? null : msg('is_not_a_run_user', { user: value });
  }
  return isBelow(value, roots[kind]) ? null : msg('must_lie_below', { roots: roots[kind].join(', ') });
}

/** What the operator's lists do not allow, each with its field. */
export const refusedNames = (rules: HostRules, named: readonly Named[]) =>
  named.flatMap((one) => {
    const message = mistakeOf(rules, one);
    return message === null ? [] : [{ field: one.field, message }];
  });
