import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { requestKind } from './tasks.ts';
import type { RoundVote } from './tasks.ts';

/** What a list shows of a deploy task besides its row. */
export interface Surroundings {
  /** Of the present round. */
  votes: RoundVote[];
  runningSubTasks: number[];
  /** Instances of the application, and those of them on the task's version. */
  instances: number;
  onVersion: number;
  /** Instances on which a step of this task failed. */
  failed: number;
  /** Another task of the application that runs. */
  inFront: number | null;
  /** A reviewer has let this user review. */
  delegated: boolean;
}

type Found = Omit<Surroundings, 'votes'> & { id: number; votes: (Omit<RoundVote, 'time'> & { time: string })[] };

/** The surroundings of a page of deploy tasks by id, as `userId` sees them; one statement whatever the page's size. */
export async function aroundTasks(
  db: Kysely<Database>,
  ids: readonly number[],
  userId: number,
): Promise<Map<number, Surroundings>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Found>`
    select task.id,
      (select coalesce(json_agg(json_build_object('requestId', votes.request_id, 'userId', votes.user_id,
          'user', users.username, 'time', votes.time, 'planHash', votes.plan_hash, 'channel', votes.channel)
          order by votes.time), '[]')
        from votes join users on users.id = votes.user_id
        where kind = ${requestKind} and request_id = task.id and round = task.plan_round) as votes,
      (select coalesce(json_agg(tasks.id order by tasks.id), '[]') from tasks
        where deploy_task_id = task.id and tasks.status = 'running') as running_sub_tasks,
      (select other.id from deploy_tasks as other where other.application_id = task.application_id
        and other.status = 'running' and other.id <> task.id) as in_front,
      estate.instances, estate.on_version,
      (select count(distinct instance_id) from tasks join task_results on task_results.task_id = tasks.id
        where deploy_task_id = task.id and task_results.status = 'failed') as failed,
      exists (select from delegations where kind = ${requestKind} and request_id = task.id
        and phase = 'review' and to_id = ${userId}) as delegated
    from deploy_tasks as task cross join lateral (
      select count(*) as instances, count(*) filter (where instances.version = task.version) as on_version
      from instances where instances.application_id = task.application_id) as estate
    where task.id = any(${ids}::bigint[])`.execute(db);
  return new Map(rows.map(({ id, votes, ...rest }) => [id, { ...rest, votes: votes.map(withDate) }]));
}

const withDate = <V extends { time: string }>(vote: V) => ({ ...vote, time: new Date(vote.time) });
