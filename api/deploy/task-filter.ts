import { sql } from 'kysely';
import { z } from 'zod';
import { visible } from '../../db/access/rights.ts';
import { deployTasksWithNames, requestKind } from '../../db/deploy/tasks.ts';
import { deployTaskStatuses, levels } from '../../workflows/deploy/contract.ts';
import type { Ctx } from '../context.ts';
import { flag, id, moment } from '../schemas.ts';

/** One value or several, separated by commas. */
const several = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z
    .string()
    .transform((given) => given.split(','))
    .pipe(z.array(z.enum(values)).min(1));

export const taskFilter = z.object({
  application: id.optional(),
  creator: z.string().max(64).optional(),
  level: several(levels).optional(),
  status: several(deployTaskStatuses).optional(),
  version: z.string().max(64).optional(),
  time__gt: moment.optional(),
  time__lt: moment.optional(),
  mine: flag.optional(),
  awaiting_me: flag.optional(),
});

type Query = ReturnType<typeof deployTasksWithNames>;

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** The deploy tasks that a filter means; every given part must hold. */
export function taskQuery(tasks: Query, filter: z.output<typeof taskFilter>, ctx: Ctx): Query {
  let query = tasks;
  const { application, creator, level, status, version } = filter;
  if (application !== undefined) query = query.where('deployTasks.applicationId', '=', application);
  if (creator !== undefined) query = query.where('creator.username', '=', creator);
  if (level !== undefined) query = query.where('deployTasks.level', 'in', level);
  if (status !== undefined) query = query.where('deployTasks.status', 'in', status);
  if (version !== undefined) query = query.where('deployTasks.version', 'ilike', `%${escapeLike(version)}%`);
  if (filter.time__gt) query = query.where('deployTasks.createdTime', '>', filter.time__gt);
  if (filter.time__lt) query = query.where('deployTasks.createdTime', '<', filter.time__lt);
  if (filter.mine === true) query = query.where(mine(ctx.subject.userId));
  if (filter.awaiting_me === true) query = query.where(awaiting(ctx));
  return query;
}

const mine = (userId: number) =>
  sql<boolean>`(deploy_tasks.creator_id = ${userId} or deploy_tasks.owner_id = ${userId})`;

/** He may approve and has not, or it is approved and he is its owner. */
function awaiting({ subject }: Ctx) {
  const { userId } = subject;
  const reviews = visible(subject, 'application', 'review_app_deploy_task', 'deploy_tasks.application_id');
  return sql<boolean>`(
    (deploy_tasks.status = 'approved' and deploy_tasks.owner_id = ${userId})
    or (deploy_tasks.status = 'wait_review' and deploy_tasks.creator_id <> ${userId}
      and (${reviews} or exists (
        select from delegations where kind = ${requestKind} and request_id = deploy_tasks.id
          and phase = 'review' and to_id = ${userId}))
      and not exists (
        select from votes where kind = ${requestKind} and request_id = deploy_tasks.id
          and round = deploy_tasks.plan_round and user_id = ${userId})))`;
}
