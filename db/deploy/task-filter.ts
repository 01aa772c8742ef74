import { sql } from 'kysely';
import type { DeployTaskStatus, Level } from '../../workflows/deploy/contract.ts';
import { visible } from '../access/rights.ts';
import type { Subject } from '../access/rights.ts';
import { anywhere } from '../core/ilike.ts';
import { meantBy, mayJudge, standsIn } from '../approvals/eligible-voters.ts';
import { deployTable } from './tasks.ts';
import type { deployTasksWithNames } from './tasks.ts';

/** Which deploy tasks; every given part must hold. `after` and `before` are creation times, strict. */
interface DeployTaskFilter {
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

/** Uses two indexes: with an OR, PostgreSQL scans the whole list backwards for a user with few tasks or none. */
const mine = (userId: number) =>
  sql<boolean>`deploy_tasks.id in (
    select id from deploy_tasks where creator_id = ${userId} union select id from deploy_tasks where owner_id = ${userId})`;

/** Nobody can vote on a plan whose package could not be read. */
const isUnread = sql`(task.plan_hash is not null and exists (select from deploy_plans
  where deploy_task_id = task.id and round = task.plan_round and unread is not null))`;

/**
 * The user's vote is the next step, or it is approved and they are its owner. Starts from the few open tasks: they are found
 * by index, however many tasks there are.
 */
function awaiting(subject: Subject) {
  const { userId } = subject;
  const user = sql`${userId}`;
  const reviews = visible(subject, 'application', 'review_app_deploy_task', 'task.application_id');
  const isVoter = sql<boolean>`(((${reviews} and ${meantBy('task', user)}) or ${standsIn(deployTable, 'task', user)})
    and ${mayJudge(deployTable, 'task', user)})`;
  return sql<boolean>`deploy_tasks.id in (
    select id from deploy_tasks where status = 'approved' and owner_id = ${userId}
    union select task.id from deploy_tasks as task where task.status = 'wait_review' and ${isVoter} and not ${isUnread}
    union select task.id from deploy_tasks as task
      where task.broke_glass_by_id is not null and (task.open_to->>'anyone')::boolean and ${isVoter})`;
}
