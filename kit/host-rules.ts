// The operator's lists of what people may name on a host: folders that a runner follows, often as root, and users that
// commands run as. Paths are compared as text here; links are followed, and compared again, on the host.
import { posix } from 'node:path';
import { z } from 'zod';
import { listOf, required } from './setting.ts';

export const pathKinds = ['deploy', 'pid', 'log', 'package'] as const;
export type PathKind = (typeof pathKinds)[number];

/** Folders below which paths of each kind lie, and who may be run as: names, `*` for everybody, `!name` for an exception. */
export interface HostRules {
  roots: Readonly<Record<PathKind, readonly string[]>>;
  runUsers: readonly string[];
  /** The user of this process, allowed on local hosts, which are folders of its machine; null: there are no such hosts. */
  localUser: string | null;
}

/** Nothing below these is a file of its own: `/proc/self/root` is the whole machine. */
const neverFollowed = ['/proc', '/sys', '/dev'];

const isIn = (path: string, root: string): boolean => path.startsWith(root.endsWith('/') ? root : `${root}/`);

const folder = z
  .string()
  .transform((part) => part.replace(/(.)\/+$/, '$1'))
  .refine(
    (part) => part.startsWith('/') && !part.split('/').includes('..'),
    'must be absolute paths separated by commas',
  )
  .refine(
    (part) => !neverFollowed.some((never) => part === never || isIn(part, never)),
    `must not lie in ${neverFollowed.join(', ')}`,
  );

export const folders = listOf(folder);

const runUsers = listOf(
  z.string().regex(/^(?:\*|!?[A-Za-z_][A-Za-z0-9_.-]{0,63})$/, 'must be user names, *, or !name, separated by commas'),
);

export const hostRuleSettings = {
  deployRoots: required(
    'SLIPWAY_DEPLOY_ROOTS',
    folders,
    '/data,/srv,/opt,/var/www,/home',
    'folders of hosts below which applications are deployed, separated by commas; pid files may lie in /run and /var/run too',
  ),
  packageRoots: required(
    'SLIPWAY_PACKAGE_ROOTS',
    folders,
    '',
    'folders of hosts below which packages lie that come by their path; none: the deploy roots, /packages and /tmp',
  ),
  logRoots: required(
    'SLIPWAY_LOG_ROOTS',
    folders,
    '/data,/var/log,/opt,/srv,/home',
    "folders of hosts that logs are read from, separated by commas; an application's deploy path is one by itself if it lies below a deploy root",
  ),
  runUsers: required(
    'SLIPWAY_RUN_USERS',
    runUsers,
    '*,!root',
    'users of hosts that commands and hooks of applications may run as: names separated by commas, * for everybody, !name for an exception',
  ),
};

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

/** Whether a path lies below one of the roots, a root itself not. */
export function isBelow(path: string, roots: readonly string[]): boolean {
  const plain = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (neverFollowed.some((never) => plain === never || isIn(plain, never))) return false;
  return roots.some((root) => plain !== root && isIn(plain, root));
}

/** Whether commands may run as this user. */
export const mayRunAs = (user: string, runUsers: readonly string[]): boolean =>
  !runUsers.includes(`!${user}`) && (runUsers.includes('*') || runUsers.includes(user));

/** A path or user that somebody names; what is empty or left out names nothing. */
export interface Named {
  field: string;
  kind: PathKind | 'user';
  value: string | null | undefined;
}

/** What is wrong with a path or user by the operator's lists; null: nothing. */
function mistakeOf({ roots, runUsers: users, localUser }: HostRules, { kind, value }: Named) {
  if (!value) return null;
  if (kind === 'user') {
    return value === localUser || mayRunAs(value, users)
      ? null
      : (`is not a user that commands may run as: ${value}` as const);
  }
  return isBelow(value, roots[kind]) ? null : (`must lie below one of ${roots[kind].join(', ')}` as const);
}

/** What the operator's lists do not allow, each with its field. */
export const refusedNames = (rules: HostRules, named: readonly Named[]) =>
  named.flatMap((one) => {
    const message = mistakeOf(rules, one);
    return message === null ? [] : [{ field: one.field, message }];
  });
