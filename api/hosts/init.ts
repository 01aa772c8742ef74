import { z } from 'zod';
import { keepPackages, packagesNamed } from '../../db/hosts/packages.ts';
import { selectHostTasks } from '../../db/hosts/tasks.ts';
import { change } from '../change.ts';
import type { ChangeCtx } from '../context.ts';
import { demandEntries, eachOnce, idEntries, noSuch, withMore, type FieldOf } from '../entries.ts';
import { signedIn } from '../permissions.ts';
import { distinct, id } from '../schemas.ts';
import { beginTask } from './begin.ts';
import { initMissing, refuseZabbix } from './drivers.ts';
import { hostTaskDetail, presentTaskDetails } from './task-object.ts';

const names = z
  .array(z.string().min(1).max(128))
  .max(100)
  .superRefine(eachOnce<string>((one) => one, ''))
  .meta(distinct)
  .default([]);

const opts = z.object({
  zabbix_groups: names,
  zabbix_templates: names,
  shipped_packages: z
    .array(z.object({ id }))
    .max(50)
    .superRefine(eachOnce((one) => one.id))
    .meta(distinct)
    .default([]),
});

const field: FieldOf = (index) => `hosts.${index}.id`;

/** The packages of an initialisation in its order; one that is not there is refused by its index. */
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

/** Initialises hosts: a task whose workflow begins with the commit. */
export const initHosts = change({
  ...{ method: 'post', path: '/hosts/init-tasks/', id: 'createInitTask', area: 'hosts', summary: 'Initialise hosts' },
  permission: withMore(signedIn, 'init_host'),
  body: z.object({ hosts: idEntries(1000), opts }),
  returns: hostTaskDetail,
  status: 201,
  problems: ['no_such', 'host_busy', 'host_is', 'zabbix_failed', 'salt_failed'],
  async handle({ body }, ctx) {
    const ids = body.hosts.map((one) => one.id);
    await demandEntries(ctx, 'host', 'init_host', ids, field);
    const { shipped_packages: shipped, zabbix_groups, zabbix_templates } = body.opts;
    const packages = await wantedPackages(
      ctx,
      shipped.map((one) => one.id),
    );
    const taskId = await beginTask(ctx, {
      ...{ kind: 'init', ids, opts: body.opts, field },
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
