import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { hostResults } from '../../db/hosts/tasks.ts';
import type { TaskResultRow, TaskRow } from '../../db/tasks/tables.ts';
import { hostTaskKinds } from '../../workflows/hosts/contract.ts';
import { fromWire } from '../../workflows/problems/problem.ts';
import type { Language } from '../../kit/messages/message.ts';
import { resultStatuses, taskStatuses, type WaitingOn } from '../../workflows/tasks/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { saidWaiting } from '../operations/translate.ts';
import { waitingObject } from '../tasks/waiting-object.ts';
import { summarise, summaryObject } from './task-summary.ts';
import { iso, time } from '../operations/schemas.ts';
import { asItIs, msg, render } from '../../kit/messages/message.ts';

const counts = z.object({
  waiting: z.int(),
  running: z.int(),
  finished: z.int(),
  failed: z.int(),
  unknown: z.int(),
});

/** A host task in lists. */
export const hostTaskObject = z.object({
  id: z.int(),
  task_id: z.string(),
  kind: z.enum(hostTaskKinds),
  hosts: z.array(z.object({ id: z.int(), name: z.string() })),
  creator: z.string(),
  status: z.enum(taskStatuses),
  opts: z.record(z.string(), z.unknown()).optional(),
  created_time: time,
  finished_time: time.nullable(),
  counts,
  waiting_on: waitingObject,
});

/** A host task with the result of each host. */
export const hostTaskDetail = hostTaskObject.extend({
  summary: z.array(summaryObject),
  results: z.array(
    z.object({
      host: z.int(),
      hostname: z.string(),
      status: z.enum(resultStatuses),
      error_code: z.int().nullable(),
      message: z.string().nullable(),
      started: time.nullable(),
      finished: time.nullable(),
    }),
  ),
});
export type HostTaskDetail = z.input<typeof hostTaskDetail>;

const withOpts: ReadonlySet<string> = new Set(['init', 'change_status', 'change_zabbix_opts']);

/** Host tasks with their results, as far as this caller may view the hosts. */
export async function presentTaskDetails(
  tasks: readonly TaskRow[],
  ctx: Ctx,
  db: Kysely<Database>,
): Promise<HostTaskDetail[]> {
  const results = await hostResults(
    db,
    ctx.subject,
    tasks.map((task) => task.id),
  );
  const of = Map.groupBy(results, (result) => result.taskId);
  return tasks.map((task) => present(task, of.get(task.id) ?? [], ctx));
}

/** Host tasks in list form. */
export const presentTasks = async (tasks: readonly TaskRow[], ctx: Ctx) =>
  (await presentTaskDetails(tasks, ctx, ctx.db)).map(({ results: _results, summary: _summary, ...task }) => task);

type HostResult = Awaited<ReturnType<typeof hostResults>>[number];

function present(task: TaskRow, results: readonly HostResult[], ctx: Ctx): HostTaskDetail {
  const count = (status: TaskResultRow['status']): number => results.filter((one) => one.status === status).length;
  return {
    id: task.id,
    task_id: String(task.id),
    kind: task.kind as HostTaskDetail['kind'],
    hosts: results.map((one) => ({ id: one.hostId, name: one.hostname })),
    creator: task.creator,
    status: task.status,
    ...(withOpts.has(task.kind) && { opts: task.opts }),
    created_time: iso(task.createdTime),
    finished_time: iso(task.finishedTime),
    counts: Object.fromEntries(resultStatuses.map((one) => [one, count(one)])) as HostTaskDetail['counts'],
    waiting_on: saidWaiting(ctx, waitingOn(task, results)),
    summary: summarise(
      results.map((one) => ({
        host_type: one.hostType,
        status: one.status,
        error_code: one.errorCode,
        message: messageOf(one, ctx.language),
      })),
    ),
    results: results.map((one) => ({
      host: one.hostId,
      hostname: one.hostname,
      status: one.status,
      error_code: one.errorCode,
      message: messageOf(one, ctx.language),
      started: iso(one.started),
      finished: iso(one.finished),
    })),
  };
}

/** A host's failure and warnings; while it is in progress, its waiting reason. */
function messageOf({ problem, warning, message }: TaskResultRow, language: Language): string | null {
  const texts = [fromWire(problem), fromWire(warning)].flatMap((one) => (one ? [render(one.said, language)] : []));
  if (texts.length === 0) return message;
  return (problem || message === null ? texts : [message, ...texts]).join('; ');
}

const mostNamed = 5;

function waitingOn(task: TaskRow, results: readonly TaskResultRow[]): WaitingOn | null {
  if (task.status !== 'running') return null;
  const open = results.filter((one) => one.status === 'waiting' || one.status === 'running');
  const named = open
    .slice(0, mostNamed)
    .map(({ hostname, message }) => asItIs(message === null ? hostname : `${hostname} (${message})`));
  const more = open.length > mostNamed ? [msg('and_more', { n: open.length - mostNamed })] : [];
  const isAsking = open.some((one) => one.step === 'cloud' || one.step === 'monitoring');
  return {
    kind: isAsking ? 'provider' : 'host',
    text: msg('list', { items: [...named, ...more] }),
    users: [],
    until: null,
  };
}
