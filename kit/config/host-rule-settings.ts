// The settings of the operator's host rules; host-rules.ts applies them.
import { z } from 'zod';
import { isIn, neverFollowed } from '../host-paths.ts';
import { listOf, required } from './setting.ts';

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
