import { z } from 'zod';
import { matchingTasks, selectHostTasks } from '../../db/hosts/tasks.ts';
import { hostTaskKinds, type HostTaskKind } from '../../workflows/hosts/contract.ts';
import { resultStatuses, taskStatuses } from '../../workflows/tasks/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { outputObject, outputOf, outputQuery } from '../tasks/output.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, permission, requestedId, signedIn } from '../operations/permissions.ts';
import { id, moment } from '../operations/schemas.ts';
import { hostOutputPermission } from '../tasks/output-permission.ts';
import { hostTaskDetail, hostTaskObject, presentTaskDetails, presentTasks } from './task-object.ts';
import type { HostTaskDetail } from './task-object.ts';

const area = 'hosts';

const filters = z.object({
  hostname: z.string().max(253).optional(),
  creator: z.string().max(64).optional(),
  status: z.enum(taskStatuses).optional(),
  time__gt: moment.optional(),
  time__lt: moment.optional(),
});

const asker = ({ subject, actor }: Ctx) => ({ subject, username: actor.user.username });

const ofResults = z.object({ result: z.enum(resultStatuses).optional(), hostname: z.string().max(253).optional() });

async function taskOf(ctx: Ctx, taskId: number, wanted: z.output<typeof ofResults>, kind?: HostTaskKind) {
  const tasks = selectHostTasks(ctx.db, asker(ctx)).where('tasks.id', '=', taskId);
  const row = await (kind ? tasks.where('tasks.kind', '=', kind) : tasks).executeTakeFirst();
  const [shown] = row ? await presentTaskDetails([row], ctx, ctx.db) : [];
  if (!shown) throw notFound();
  const { result, hostname = '' } = wanted;
  const part = hostname.toLowerCase();
  const isWanted = (one: HostTaskDetail['results'][number]): boolean =>
    (result === undefined || one.status === result) && one.hostname.toLowerCase().includes(part);
  return { ...shown, results: shown.results.filter(isWanted) };
}

const listTasks = list({
  path: '/hosts/tasks/',
  id: 'listHostTasks',
  area,
  summary: 'List host tasks of every kind',
  permission: signedIn,
  filter: filters.extend({ kind: z.enum(hostTaskKinds).optional(), host: id.optional() }),
  item: hostTaskObject,
  order: { newest: 'tasks.id' },
  query: ({ query }, ctx) => selectHostTasks(ctx.db, asker(ctx)).where(matchingTasks(query, ctx.subject)),
  present: (rows, ctx) => presentTasks(rows, ctx),
});

const getTask = endpoint({
  method: 'get',
  path: '/hosts/tasks/{task_id}/',
  id: 'getHostTask',
  area,
  summary: 'Get a host task',
  permission: signedIn,
  query: ofResults,
  returns: hostTaskDetail,
  handle: ({ params, query }, ctx) => taskOf(ctx, params.task_id, query),
});

/** The list and the look-up of one kind of host task. */
const ofKind = (kind: 'init' | 'start' | 'stop' | 'restart') => {
  const path = `/hosts/${kind}-tasks/` as const;
  const name = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
  return [
    list({
      path,
      id: `list${name}Tasks`,
      area,
      summary: `List ${kind} tasks`,
      permission: signedIn,
      filter: filters,
      item: hostTaskObject,
      order: { newest: 'tasks.id' },
      query: ({ query }, ctx) =>
        selectHostTasks(ctx.db, asker(ctx)).where(matchingTasks({ ...query, kind }, ctx.subject)),
      present: (rows, ctx) => presentTasks(rows, ctx),
    }),
    endpoint({
      method: 'get',
      path: `${path}{task_id}/`,
      id: `get${name}Task`,
      area,
      summary: `Get ${kind === 'init' ? 'an' : 'a'} ${kind} task`,
      permission: signedIn,
      query: ofResults,
      returns: hostTaskDetail,
      handle: ({ params, query }, ctx) => taskOf(ctx, params.task_id, query, kind),
    }),
  ];
};

const getOutput = endpoint({
  method: 'get',
  path: '/hosts/tasks/{task_id}/output/',
  id: 'getHostTaskOutput',
  area,
  summary: 'Output of a host task',
  permission: permission({
    names: ['view_host'],
    check: (request) => hostOutputPermission(request.ctx.db, asker(request.ctx), requestedId(request, 'task_id')),
  }),
  query: outputQuery,
  returns: outputObject,
  async handle({ params, query }, ctx) {
    const task = await ctx.db
      .selectFrom('tasks')
      .select(['id', 'status'])
      .where('id', '=', params.task_id)
      .executeTakeFirstOrThrow();
    return outputOf(ctx, task, query);
  },
});

export const hostTaskEndpoints = [
  listTasks,
  getTask,
  getOutput,
  ...(['init', 'start', 'stop', 'restart'] as const).flatMap(ofKind),
];
