import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { isAdmitted } from '../hosts/ways.ts';
import type { HostAdmission } from '../hosts/ways.ts';
import { reviewersOf } from '../approvals/people.ts';
import { isOpen, mayJudge, meantBy, standsIn } from './eligible-voters.ts';
import { requestKind } from './tasks.ts';
import type { RoundVote } from './tasks.ts';

/** Data that a list shows of a deploy task besides its row. */
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
  /** Users who delegated their review to this user. */
  delegators: number[];
  /** A host of its instances that waits to be admitted, if commands wait for that. */
  unadmitted: string | null;
  /** Some of the users whose votes would count now. */
  reviewers: string[];
}

type FoundVote = Omit<RoundVote, 'time' | 'voter'> & { time: string; voter: RoundVote['voter'] | null };
type Found = Omit<Surroundings, 'votes'> & { id: number; votes: FoundVote[] };

/** Maximum names in a sentence. */
const namedReviewers = 20;

/** The surroundings of a page of deploy tasks by id, as `userId` sees them; one statement whatever the page's size. */
export async function aroundTasks(
  db: Kysely<Database>,
  ids: readonly number[],
  userId: number,
  admission: HostAdmission,
): Promise<Map<number, Surroundings>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Found>`
    select task.id,
      (select coalesce(json_agg(json_build_object('requestId', votes.request_id, 'userId', votes.user_id,
          'user', users.username, 'time', votes.time, 'planHash', votes.plan_hash, 'channel', votes.channel,
          'step', votes.step, 'voter', votes.voter)
          order by votes.time), '[]')
        from votes join users on users.id = votes.user_id
        where kind = ${requestKind} and request_id = task.id and round = task.plan_round) as votes,
      (select coalesce(json_agg(tasks.id order by tasks.id), '[]') from tasks
        where deploy_task_id = task.id and tasks.status = 'running') as running_sub_tasks,
      (select other.id from deploy_tasks as other where other.application_id = task.application_id
        and other.status = 'running' and other.id <> task.id) as in_front,
      estate.instances, estate.on_version,
      (select hosts.name from instances join hosts on hosts.id = instances.host_id
        where ${admission} = 'manage' and instances.application_id = task.application_id
          and task.status in ('approved', 'running') and not ${isAdmitted}
        order by hosts.id limit 1) as unadmitted,
      (select count(distinct instance_id) from tasks join task_results on task_results.task_id = tasks.id
        where deploy_task_id = task.id and task_results.status = 'failed') as failed,
      (select coalesce(json_agg(from_id), '[]') from delegations where kind = ${requestKind}
        and request_id = task.id and phase = 'review' and to_id = ${userId}) as delegators,
      case when ${isOpen('task')} then ${reviewersNow} else '[]' end as reviewers
    from deploy_tasks as task cross join lateral (
      select count(*) as instances, count(*) filter (where instances.version = task.version) as on_version
      from instances where instances.application_id = task.application_id) as estate
    where task.id = any(${ids}::bigint[])`.execute(db);
  return new Map(rows.map(({ id, votes, ...rest }) => [id, { ...rest, votes: votes.map(withDate) }]));
}

const withDate = ({ voter, time, ...vote }: FoundVote): RoundVote => ({
  ...vote,
  time: new Date(time),
  voter: voter ?? undefined,
});

/** Whom the policy's open groups mean, who hold the permission or stand for one of them, and have not voted. */
const reviewersNow = sql`(
  select coalesce(json_agg(username), '[]') from (
    select users.username from users
    where users.status = 'enabled' and (
        (users.id in (${reviewersOf(sql`task.application_id`)}) and ${meantBy('task', sql`users.id`)})
        or ${standsIn('task', sql`users.id`)})
      and ${mayJudge('task', sql`users.id`)}
    order by users.id limit ${namedReviewers}) as named)`;
