import { z } from 'zod';
import type { TaskResultRow, TaskRow } from '../../db/tasks/tables.ts';
import { subTaskKinds } from '../../workflows/deploy/contract.ts';
import { taskStatuses } from '../../workflows/tasks/contract.ts';
import type { WaitingOn } from '../../workflows/tasks/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { iso, time } from '../operations/schemas.ts';
import { outputAddress } from '../tasks/socket-ticket.ts';
import { saidWaiting } from '../operations/translate.ts';
import { waitingObject } from '../tasks/waiting-object.ts';
import { asItIs, msg } from '../../kit/messages/message.ts';

/** A sub-task with a result per instance. */
export const subTaskObject = z.object({
  id: z.int(),
  task_id: z.string(),
  kind: z.enum(subTaskKinds),
  creator: z.string(),
  status: z.enum(taskStatuses),
  error: z.string().nullable(),
  waiting_on: waitingObject,
  version: z.string(),
  update_source: z.string().nullable(),
  timeout: z.int(),
  created_time: time,
  finished_time: time.nullable(),
  task_output: z.string(),
  results: z.array(
    z.object({
      instance: z.int(),
      hostname: z.string(),
      status: z.enum(['waiting', 'running', 'finished', 'failed']),
      step: z.string().nullable(),
      previous_version: z.string().nullable(),
      message: z.string().nullable(),
      started: time.nullable(),
      finished: time.nullable(),
    }),
  ),
});

/** A page of sub-tasks; their results are loaded in one query. */
export async function presentSubTasks(tasks: TaskRow[], ctx: Ctx): Promise<z.input<typeof subTaskObject>[]> {
  const ids = tasks.map(({ id }) => id);
  const results =
    ids.length === 0
      ? []
      : await ctx.db
          .selectFrom('taskResults')
          .selectAll()
          .where('taskId', 'in', ids)
          .orderBy('taskId')
          .orderBy('position')
          .execute();
  return tasks.map((task) =>
    presentSubTask(
      task,
      results.filter(({ taskId }) => taskId === task.id),
      ctx,
    ),
  );
}

const presentSubTask = (task: TaskRow, results: TaskResultRow[], ctx: Ctx): z.input<typeof subTaskObject> => ({
  id: task.id,
  task_id: String(task.id),
  kind: task.kind === 'upgrade' ? 'upgrade' : 'revert',
  creator: task.creator,
  status: task.status,
  error: task.error,
  waiting_on: saidWaiting(ctx, waitingOn(task, results)),
  version: task.version ?? '',
  update_source: task.updateSource,
  timeout: task.timeoutSeconds,
  created_time: iso(task.createdTime),
  finished_time: iso(task.finishedTime),
  task_output: outputAddress(ctx, task.id),
  results: results.map((result) => ({
    instance: result.instanceId ?? 0,
    hostname: result.hostname,
    status: result.status === 'unknown' ? 'failed' : result.status,
    step: result.step,
    previous_version: result.previousVersion,
    message: result.message,
    started: iso(result.started),
    finished: iso(result.finished),
  })),
});

/** The waiting reason of work on machines: an unresponsive host first, since that can be acted on. */
export function waitingOn(
  { status, createdTime, timeoutSeconds }: TaskRow,
  results: TaskResultRow[],
): WaitingOn | null {
  if (status !== 'running') return null;
  const until = new Date(createdTime.getTime() + timeoutSeconds * 1000).toISOString();
  const running = results.filter((result) => result.status === 'running');
  const silent = running.find(({ message }) => message !== null);
  if (silent) return { kind: 'host', text: asItIs(`${silent.hostname}: ${silent.message ?? ''}`), users: [], until };
  const steps = running.map(({ hostname, step }) => `${hostname}: ${step ?? 'beginning'}`).join(', ');
  return { kind: 'host', text: steps ? asItIs(steps) : msg('first_step_begins'), users: [], until };
}
