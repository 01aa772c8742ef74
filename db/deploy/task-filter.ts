import { sql } from 'kysely';
import type { DeployTaskStatus, Level } from '../../workflows/deploy/contract.ts';
import { visible } from '../access/rights.ts';
import type { Subject } from '../access/rights.ts';
import { anywhere } from '../like.ts';
import { requestKind } from './tasks.ts';
import type { deployTasksWithNames } from './tasks.ts';

/** Which deploy tasks; every given part must hold. `after` and `before` are creation times, strict. */
export interface DeployTaskFilter {
  application?: number | undefined;
  /** username */
  creator?: string | undefined;
  level?: Level[] | undefined;
  status?: DeployTaskStatus[] | undefined;
  /** A part of the version. */
  version?: string | undefined;
  after?: Date | undefined;
  before?: Date | undefined;
  mine?: boolean | undefined;
  awaitingMe?: boolean | undefined;
}

type Query = ReturnType<typeof deployTasksWithNames>;

/** The deploy tasks that a filter means; every given part must hold. */
export function taskQuery(tasks: Query, filter: DeployTaskFilter, subject: Subject): Query {
  let query = tasks;
  const { application, creator, level, status, version } = filter;
  if (application !== undefined) query = query.where('deployTasks.applicationId', '=', application);
  if (creator !== undefined) query = query.where('creator.username', '=', creator);
  if (level !== undefined) query = query.where('deployTasks.level', 'in', level);
  if (status !== undefined) query = query.where('deployTasks.status', 'in', status);
  if (version !== undefined) query = query.where('deployTasks.version', 'ilike', anywhere(version));
  if (filter.after) query = query.where('deployTasks.createdTime', '>', filter.after);
  if (filter.before) query = query.where('deployTasks.createdTime', '<', filter.before);
  if (filter.mine === true) query = query.where(mine(subject.userId));
  if (filter.awaitingMe === true) query = query.where(awaiting(subject));
  return query;
}

/** By two indexes: with an OR, PostgreSQL reads the whole list backwards for somebody who has few tasks or none. */
const mine = (userId: number) =>
  sql<boolean>`deploy_tasks.id in (
    select id from deploy_tasks where creator_id = ${userId} union select id from deploy_tasks where owner_id = ${userId})`;

/** He may approve and has not, or it is approved and he is its owner. */
function awaiting(subject: Subject) {
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
