import { z } from 'zod';
import { quote } from '../../db/audit/text.ts';
import { lockHosts } from '../../db/applications/instances.ts';
import { beginHostTask, selectHostTasks } from '../../db/hosts/tasks.ts';
import type { HostRow } from '../../db/inventory.ts';
import { hostTaskWorkflowId, type InitHostsInput } from '../../workflows/hosts/contract.ts';
import { detailOf, Problem } from '../../workflows/problem.ts';
import { change } from '../change.ts';
import type { ChangeCtx } from '../context.ts';
import { demandEntries, eachOnce, idEntries, noSuch, withMore, type FieldOf } from '../entries.ts';
import { launch } from '../launch.ts';
import { signedIn } from '../permissions.ts';
import { distinct, id } from '../schemas.ts';
import { refuseRunners, refuseZabbix } from './drivers.ts';
import { hostTaskDetail, presentTaskDetails } from './task-object.ts';
import { hostEntry } from './text.ts';

/** Seconds within which every host has answered, or is given up. */
const initTimeout = 600;

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

/** Refuses the whole batch for what one host is, naming each such host by its index. */
function refuseStates(hosts: readonly HostRow[]): void {
  const refuse = (problem: 'host_busy' | 'host_is', wrong: (host: HostRow) => boolean) => {
    const found = hosts.flatMap((host, index) => (wrong(host) ? [{ host, index }] : []));
    const problems = found.map(({ host, index }) => {
      const params = { name: host.name, status: host.status, task_id: host.busyTaskId ?? 0 };
      return { params, detail: detailOf(field(index), new Problem(problem, params)) };
    });
    const [first] = problems;
    const details = problems.map((one) => one.detail);
    if (first) throw new Problem(problem, first.params, details);
  };
  refuse('host_busy', (host) => host.busyTaskId !== null);
  refuse('host_is', (host) => host.status !== 'raw' && host.status !== 'inited');
}

/** The hosts of a body in its order, locked. */
async function lockedHosts(ctx: ChangeCtx, ids: readonly number[]): Promise<HostRow[]> {
  const rows = new Map((await lockHosts(ctx.tx, ids)).map((row) => [row.id, row]));
  noSuch('host', ids, (one) => !rows.has(one), field);
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
    const { shipped_packages: packages, zabbix_groups, zabbix_templates } = body.opts;
    noSuch(
      'shipped package',
      packages.map((one) => one.id),
      () => true,
      (index) => `opts.shipped_packages.${index}.id`,
    );
    const hosts = await lockedHosts(ctx, ids);
    refuseStates(hosts);
    refuseRunners(ctx, hosts, field);
    refuseZabbix(ctx, [...zabbix_groups, ...zabbix_templates]);
    const creator = ctx.actor.user.username;
    const task = {
      kind: 'init' as const,
      creator,
      timeoutSeconds: initTimeout,
      opts: body.opts,
      hosts,
      now: ctx.now(),
    };
    const taskId = await beginHostTask(ctx.tx, task);
    ctx.audit(
      ...hosts.map((host) =>
        hostEntry('update', host, {
          en: `initialisation of host ${quote(host.name)} begun by task ${taskId}`,
          zh: `任务 ${taskId} 开始初始化主机 ${quote(host.name)}`,
        }),
      ),
    );
    const targets = hosts.map((host, position) => ({ position, hostId: host.id }));
    const input: InitHostsInput = { taskId, hosts: targets, actor: ctx.by };
    await launch(ctx, {
      workflow: 'initHosts',
      workflowId: hostTaskWorkflowId(taskId),
      input,
      summary: `initialise ${hosts.length === 1 ? (hosts[0]?.name ?? '') : `${hosts.length} hosts`}`,
      attributes: { kind: 'init_hosts', status: 'running', creator },
    });
    const asker = { subject: ctx.subject, username: creator };
    const row = await selectHostTasks(ctx.tx, asker).where('tasks.id', '=', taskId).executeTakeFirstOrThrow();
    const [shown] = await presentTaskDetails([row], ctx, ctx.tx);
    if (!shown) throw new Error('the task is not there');
    return shown;
  },
});
