import type { HostPermission } from '../../db/access/permission-catalogue.ts';
import { mayOnEach } from '../../db/access/rights.ts';
import { hostIdsOf, selectHostTasks } from '../../db/hosts/tasks.ts';
import { cancelHostsUpdate, hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
import type { HostTaskKind } from '../../workflows/hosts/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { WorkflowMissingError } from '../engine/engine.ts';
import { notAllowed, notFound, permission, requestedId } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';

const needed = {
  start: 'restart_host',
  stop: 'restart_host',
  restart: 'restart_host',
  init: 'init_host',
  change_status: 'edit_host',
  change_zabbix_opts: 'edit_host',
} as const satisfies Record<HostTaskKind, HostPermission>;

/** The creator, and users who could have started the task themselves. */
const mayCancel = permission({
  names: ['restart_host', 'init_host', 'edit_host'],
  async check(request) {
    const { db, subject, actor } = request.ctx;
    const { username } = actor.user;
    const taskId = requestedId(request, 'task_id');
    const task = await selectHostTasks(db, { subject, username }).where('tasks.id', '=', taskId).executeTakeFirst();
    if (!task) throw notFound();
    if (task.creator === username) return;
    const name = needed[task.kind as HostTaskKind];
    const may = await mayOnEach(db, subject, 'host', name, await hostIdsOf(db, taskId));
    if ([...may.values()].some((one) => one !== 'yes')) throw notAllowed(name);
  },
});

async function stillRunning(ctx: Ctx, taskId: number): Promise<void> {
  const { status } = await ctx.db
    .selectFrom('tasks')
    .select('status')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  if (status !== 'running') throw new Problem('host_task_ended', { status });
}

/** Fails hosts that have not begun; those that have begun run to their end. */
export const cancelTask = command({
  method: 'post',
  path: '/hosts/tasks/{task_id}/actions/cancel/',
  id: 'cancelHostTask',
  area: 'hosts',
  summary: 'Cancel a host task: hosts that have not started yet do not start',
  permission: mayCancel,
  returns: success,
  problems: ['host_task_ended', 'workflow_lost'],
  async handle({ params: { task_id: taskId } }, ctx) {
    await stillRunning(ctx, taskId);
    try {
      await ctx.engine.update(hostTaskWorkflowId(taskId), cancelHostsUpdate, { actor: ctx.by }, ctx.operationId);
    } catch (error) {
      if (!(error instanceof WorkflowMissingError)) throw error;
      await stillRunning(ctx, taskId);
      throw new Problem('workflow_lost');
    }
    return done;
  },
});
