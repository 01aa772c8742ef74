import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { revertUpdate, upgradeUpdate } from '../../workflows/deploy/contract.ts';
import type { SubTaskKind } from '../../workflows/deploy/contract.ts';
import { canRunSubTask } from '../../workflows/deploy/policy.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { taskStatuses } from '../../workflows/tasks/contract.ts';
import { decide } from '../approvals/decide.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound } from '../operations/permissions.ts';
import { distinct, idEntry } from '../operations/schemas.ts';
import { outputAddress } from '../tasks/socket-ticket.ts';
import { onTask, toTask } from './access.ts';
import { deployTasks } from './decidable.ts';
import { presentSubTasks, subTaskObject } from './sub-task-object.ts';
import { placeProblems } from './settings-change.ts';
import { packageSource, version } from './task-input.ts';
import { issue } from '../operations/issue.ts';

const area = 'deploy';
const refusals = [
  'not_running',
  'instance_elsewhere',
  'instance_unplanned',
  'machine_differs',
  'instance_busy',
  'workflow_lost',
  ...placeProblems,
  'host_not_admitted',
] as const;

const instances = z
  .array(idEntry)
  .min(1)
  .max(500)
  .refine((given) => new Set(given.map(({ id }) => id)).size === given.length, issue('names_an_instance_twice'))
  .meta(distinct);
const timeout = z.int().min(1).max(86_400).default(120);
const created = z.object({ task_id: z.string(), task_output: z.string() });

interface Wanted {
  instances: { id: number }[];
  version: string;
  timeout: number;
}

async function begin(ctx: Ctx<NamedDeployTask>, kind: SubTaskKind, wanted: Wanted, updateSource: string | null) {
  const input = {
    actor: ctx.by,
    instanceIds: wanted.instances.map(({ id }) => id),
    version: wanted.version,
    updateSource,
    timeoutSeconds: wanted.timeout,
  };
  const expected = kind === 'upgrade' ? wanted.version : null;
  const update = kind === 'upgrade' ? upgradeUpdate : revertUpdate;
  const made = await decide(ctx, deployTasks, update, input, (view) => canRunSubTask(view, ctx.by, expected));
  return { task_id: String(made.taskId), task_output: outputAddress(ctx, made.taskId) };
}

const upgrade = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/sub-upgrade-tasks/',
  id: 'upgradeInstances',
  area,
  summary: 'Upgrade instances',
  permission: toTask('upgrade', 'deploy_app'),
  body: z.strictObject({ instances, update_source: packageSource, version, timeout }),
  returns: created,
  status: 202,
  problems: [...refusals, 'version_differs', 'package_differs', 'package_unread'],
  handle: ({ body }, ctx) => begin(ctx, 'upgrade', body, body.update_source),
});

const revert = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/sub-revert-tasks/',
  id: 'revertInstances',
  area,
  summary: 'Revert instances to a release kept on their hosts',
  permission: toTask('revert', 'deploy_app'),
  body: z.strictObject({ instances, version, timeout }),
  returns: created,
  status: 202,
  problems: [...refusals, 'release_not_kept'],
  handle: ({ body }, ctx) => begin(ctx, 'revert', body, null),
});

const retryFailed = command({
  method: 'post',
  path: '/application/deploy-tasks/{id}/sub-tasks/{task_id}/actions/retry-failed/',
  id: 'retryFailedInstances',
  area,
  summary: 'Retry the failed instances of a sub-task',
  permission: toTask('upgrade', 'deploy_app'),
  returns: created,
  status: 202,
  problems: [
    ...refusals,
    'sub_task_running',
    'nothing_failed',
    'version_differs',
    'package_differs',
    'package_unread',
    'release_not_kept',
  ],
  async handle({ params: { id, task_id: subTaskId } }, ctx) {
    const found = ctx.db.selectFrom('tasks').selectAll().where('deployTaskId', '=', id).where('id', '=', subTaskId);
    const row = await found.executeTakeFirst();
    if (!row) throw notFound();
    if (row.status === 'running') throw new Problem('sub_task_running', { id: row.id });
    const failed = await failedInstances(ctx.db, row.id);
    if (failed.length === 0) throw new Problem('nothing_failed', { id: row.id });
    const wanted = { instances: failed, version: row.version ?? '', timeout: row.timeoutSeconds };
    return begin(ctx, row.kind === 'upgrade' ? 'upgrade' : 'revert', wanted, row.updateSource);
  },
});

/** Instances without a known success. */
async function failedInstances(db: Kysely<Database>, taskId: number): Promise<{ id: number }[]> {
  const rows = await db
    .selectFrom('taskResults')
    .select('instanceId')
    .where('taskId', '=', taskId)
    .where('status', 'in', ['failed', 'unknown'])
    .orderBy('position')
    .execute();
  return rows.flatMap(({ instanceId }) => (instanceId === null ? [] : [{ id: instanceId }]));
}

const subTasks = (db: Kysely<Database>, deployTaskId: number, kind: SubTaskKind) =>
  db.selectFrom('tasks').selectAll().where('deployTaskId', '=', deployTaskId).where('kind', '=', kind);

const filter = z.object({ status: z.enum(taskStatuses).optional() });

const listOf = (kind: SubTaskKind, id: string) =>
  list({
    path: `/application/deploy-tasks/{id}/sub-${kind}-tasks/`,
    id,
    area,
    summary: `List sub-${kind} tasks`,
    permission: onTask('view_app'),
    filter,
    item: subTaskObject,
    order: 'newest',
    query({ params, query }, { db }) {
      const found = subTasks(db, params.id, kind);
      return query.status === undefined ? found : found.where('status', '=', query.status);
    },
    present: presentSubTasks,
  });

const oneOf = (kind: SubTaskKind, id: string) =>
  endpoint({
    method: 'get',
    path: `/application/deploy-tasks/{id}/sub-${kind}-tasks/{task_id}/`,
    id,
    area,
    summary: `One sub-${kind} task`,
    permission: onTask('view_app'),
    returns: subTaskObject,
    async handle({ params }, ctx) {
      const row = await subTasks(ctx.db, params.id, kind).where('id', '=', params.task_id).executeTakeFirst();
      const [item] = row ? await presentSubTasks([row], ctx) : [];
      if (!item) throw notFound();
      return item;
    },
  });

export const subTaskEndpoints = [
  upgrade,
  revert,
  retryFailed,
  listOf('upgrade', 'listSubUpgradeTasks'),
  listOf('revert', 'listSubRevertTasks'),
  oneOf('upgrade', 'getSubUpgradeTask'),
  oneOf('revert', 'getSubRevertTask'),
];
