import { z } from 'zod';
import { selectInstanceTasks } from '../../db/applications/instance-tasks.ts';
import type { TaskResultRow, TaskRow } from '../../db/tasks/tables.ts';
import { instanceActions } from '../../workflows/applications/contract.ts';
import { resultStatuses, taskStatuses } from '../../workflows/tasks/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { saidWaiting } from '../operations/translate.ts';
import { outputObject, outputOf, outputQuery } from '../tasks/output.ts';
import { waitingOn } from '../deploy/sub-task-object.ts';
import { waitingObject } from '../tasks/waiting-object.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { anyOf, application, notFound } from '../operations/permissions.ts';
import { iso, moment, time } from '../operations/schemas.ts';
import { outputAddress } from '../tasks/socket-ticket.ts';

const area = 'applications';
const path = '/applications/{id}/instance-tasks/';

/** A task that starts, stops or restarts instances, with the result of each. */
const instanceTaskObject = z.object({
  id: z.int(),
  task_id: z.string(),
  kind: z.enum(instanceActions),
  creator: z.string(),
  status: z.enum(taskStatuses),
  timeout: z.int(),
  created_time: time,
  finished_time: time.nullable(),
  waiting_on: waitingObject,
  results: z.array(
    z.object({
      instance: z.int(),
      hostname: z.string(),
      status: z.enum(resultStatuses),
      message: z.string().nullable(),
      started: time.nullable(),
      finished: time.nullable(),
    }),
  ),
  task_output: z.string(),
});
type InstanceTaskObject = z.input<typeof instanceTaskObject>;

async function presentTasks(tasks: TaskRow[], ctx: Ctx): Promise<InstanceTaskObject[]> {
  const ids = tasks.map((task) => task.id);
  const rows = ctx.db.selectFrom('taskResults').selectAll().orderBy('taskId').orderBy('position');
  const results = ids.length === 0 ? [] : await rows.where('taskId', 'in', ids).execute();
  const of = Map.groupBy(results, (result) => result.taskId);
  return tasks.map((task) => present(task, of.get(task.id) ?? [], ctx));
}

const present = (task: TaskRow, results: TaskResultRow[], ctx: Ctx): InstanceTaskObject => ({
  id: task.id,
  task_id: String(task.id),
  kind: task.kind as InstanceTaskObject['kind'],
  creator: task.creator,
  status: task.status,
  timeout: task.timeoutSeconds,
  created_time: iso(task.createdTime),
  finished_time: iso(task.finishedTime),
  waiting_on: saidWaiting(ctx, waitingOn(task, results)),
  results: results.map(({ instanceId, hostname, status, message, started, finished }) => ({
    instance: instanceId ?? 0,
    hostname,
    status,
    message,
    started: iso(started),
    finished: iso(finished),
  })),
  task_output: outputAddress(ctx, task.id),
});

async function taskOf(ctx: Ctx, applicationId: number, taskId: number): Promise<TaskRow> {
  const row = await selectInstanceTasks(ctx.db, applicationId).where('id', '=', taskId).executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

const listInstanceTasks = list({
  path,
  id: 'listInstanceTasks',
  area,
  summary: 'List the tasks that start, stop and restart instances',
  permission: application('view_app'),
  filter: z.object({
    kind: z.enum(instanceActions).optional(),
    status: z.enum(taskStatuses).optional(),
    creator: z.string().max(64).optional(),
    time__gt: moment.optional(),
    time__lt: moment.optional(),
  }),
  item: instanceTaskObject,
  order: 'newest',
  query({ params, query: { kind, status, creator, time__gt: after, time__lt: before } }, { db }) {
    let tasks = selectInstanceTasks(db, params.id);
    if (kind !== undefined) tasks = tasks.where('kind', '=', kind);
    if (status !== undefined) tasks = tasks.where('status', '=', status);
    if (creator !== undefined) tasks = tasks.where('creator', '=', creator);
    if (after) tasks = tasks.where('createdTime', '>', after);
    if (before) tasks = tasks.where('createdTime', '<', before);
    return tasks;
  },
  present: presentTasks,
});

const getInstanceTask = endpoint({
  method: 'get',
  path: `${path}{task_id}/`,
  id: 'getInstanceTask',
  area,
  summary: 'Get an instance task',
  permission: application('view_app'),
  returns: instanceTaskObject,
  async handle({ params }, ctx) {
    const [task] = await presentTasks([await taskOf(ctx, params.id, params.task_id)], ctx);
    if (!task) throw notFound();
    return task;
  },
});

const getInstanceTaskOutput = endpoint({
  method: 'get',
  path: `${path}{task_id}/output/`,
  id: 'getInstanceTaskOutput',
  area,
  summary: 'Output of an instance task',
  permission: anyOf(application('view_app_log'), application('restart_app')),
  query: outputQuery,
  returns: outputObject,
  async handle({ params, query }, ctx) {
    return outputOf(ctx, await taskOf(ctx, params.id, params.task_id), query);
  },
});

export const instanceTaskEndpoints = [listInstanceTasks, getInstanceTask, getInstanceTaskOutput];
