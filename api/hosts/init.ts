import { z } from 'zod';
import { keepPackages, packagesNamed } from '../../db/hosts/packages.ts';
import { enabledUsers } from '../../db/hosts/login-users.ts';
import { selectHostTasks } from '../../db/hosts/tasks.ts';
import { detail, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { demandEntries, eachOnce, idEntries, noSuch, withMore, type FieldOf } from '../operations/list-bodies.ts';
import { signedIn } from '../operations/permissions.ts';
import { distinct } from '../operations/schemas.ts';
import { beginTask } from './begin.ts';
import { initMissing, refuseZabbix } from './drivers.ts';
import { hostTaskDetail, presentTaskDetails } from './task-object.ts';
import { msg } from '../../kit/messages/message.ts';

const names = z
  .array(z.string().min(1).max(128))
  .max(100)
  .superRefine(eachOnce<string>((one) => one, ''))
  .meta(distinct)
  .default([]);

const opts = z.object({
  zabbix_groups: names,
  zabbix_templates: names,
  shipped_packages: idEntries(50, 0).default([]),
  users_with_login_perm: idEntries(100, 0).default([]),
});

const field: FieldOf = (index) => `hosts.${index}.id`;

/** The packages of an initialisation, in order; a missing one is rejected by its index. */
async function wantedPackages(ctx: ChangeCtx, ids: readonly number[]) {
  const rows = new Map((await packagesNamed(ctx.tx, ids)).map((row) => [row.id, row]));
  noSuch(
    'shipped package',
    ids,
    (one) => !rows.has(one),
    (index) => `opts.shipped_packages.${index}.id`,
  );
  return ids.flatMap((one) => rows.get(one) ?? []);
}

/** Throws unless these users can get login on the hosts, and the caller may grant it. */
async function demandLogin(ctx: ChangeCtx, hostIds: readonly number[], userIds: readonly number[]): Promise<void> {
  if (userIds.length === 0) return;
  for (const name of ['edit_host', 'login_host'] as const) await demandEntries(ctx, 'host', name, hostIds, field);
  const enabled = new Set((await enabledUsers(ctx.tx, userIds)).map((user) => user.id));
  const details = userIds.flatMap((one, index) =>
    enabled.has(one) ? [] : [detail(`opts.users_with_login_perm.${index}.id`, msg('must_be_an_enabled_user'))],
  );
  if (details.length > 0) throw new Problem('invalid', {}, details);
}

/** Initialises hosts: a task whose workflow starts with the commit. */
export const initHosts = change({
  method: 'post',
  path: '/hosts/init-tasks/',
  id: 'createInitTask',
  area: 'hosts',
  summary: 'Initialise hosts',
  permission: withMore(signedIn, 'init_host'),
  description: 'Letting users log in also requires edit_host and login_host on each host.',
  body: z.object({ hosts: idEntries(1000), opts }),
  returns: hostTaskDetail,
  status: 201,
  problems: ['no_such', 'host_not_admitted', 'host_busy', 'host_is', 'zabbix_failed', 'salt_failed'],
  async handle({ body }, ctx) {
    const ids = body.hosts.map((one) => one.id);
    await demandEntries(ctx, 'host', 'init_host', ids, field);
    const { shipped_packages: shipped, users_with_login_perm: users, zabbix_groups, zabbix_templates } = body.opts;
    await demandLogin(
      ctx,
      ids,
      users.map((one) => one.id),
    );
    const packages = await wantedPackages(
      ctx,
      shipped.map((one) => one.id),
    );
    const taskId = await beginTask(ctx, {
      kind: 'init',
      ids,
      opts: body.opts,
      field,
      refuse: (host) => initMissing(ctx, host),
    });
    refuseZabbix(ctx, [...zabbix_groups, ...zabbix_templates]);
    await keepPackages(ctx.tx, taskId, packages);
    const asker = { subject: ctx.subject, username: ctx.actor.user.username };
    const row = await selectHostTasks(ctx.tx, asker).where('tasks.id', '=', taskId).executeTakeFirstOrThrow();
    const [shown] = await presentTaskDetails([row], ctx, ctx.tx);
    if (!shown) throw new Error('the task is not there');
    return shown;
  },
});
