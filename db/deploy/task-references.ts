import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { isAdmitted } from '../hosts/ways.ts';
import type { HostAdmission } from '../hosts/ways.ts';
import { presentVotes, referenceColumns } from '../approvals/references.ts';
import type { FoundReferences, RequestReferences } from '../approvals/references.ts';
import { deployTable } from './tasks.ts';

/** Data that a list shows of a deploy task besides its row. */
export interface Surroundings extends RequestReferences {
  runningSubTasks: number[];
  /** Instances of the application, and those of them on the task's version. */
  instances: number;
  onVersion: number;
  /** Instances on which a step of this task failed. */
  failed: number;
  /** Another task of the application that runs. */
  inFront: number | null;
  /** A host of its instances that waits to be admitted, if commands wait for that. */
  unadmitted: string | null;
}

type Found = Omit<Surroundings, 'votes'> & FoundReferences & { id: number };

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
      ${referenceColumns(deployTable, 'task', userId)},
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
        where deploy_task_id = task.id and task_results.status = 'failed') as failed
    from deploy_tasks as task cross join lateral (
      select count(*) as instances, count(*) filter (where instances.version = task.version) as on_version
      from instances where instances.application_id = task.application_id) as estate
    where task.id = any(${ids}::bigint[])`.execute(db);
  return new Map(rows.map(({ id, votes, ...rest }) => [id, { ...rest, votes: presentVotes(votes) }]));
}
