// Finds live readers who have lost their right to a task's output. One query loads the facts for all readers of a process;
// they are judged where all other checks are (access/rights.ts).
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { grantedBy } from '../access/permission-catalogue.ts';
import { actionsOn, everywhere, holdings, subjectOf, type Held } from '../access/rights.ts';
import { seenAfter } from '../access/sessions.ts';
import type { Database } from '../database.ts';

/** Notified when a right may have been revoked; see the triggers of migration 0037. */
export const rightsChannel = 'rights';

/** A reader of a task's output, and the session or token that admitted them. */
export interface Reader {
  userId: number;
  taskId: number;
  sessionHash: Buffer | null;
  tokenId: number | null;
}

/** Any of these permissions, besides `view_app`, shows the output of an application's tasks. */
export const outputReaders = {
  deploy: ['view_app_log', 'deploy_app', 'review_app_deploy_task'],
  instance: ['view_app_log', 'restart_app'],
} as const;

/** The lost precondition of a reader. */
export type Loss = 'account' | 'session' | 'token' | 'right';

interface Facts {
  place: number;
  enabled: boolean;
  held: Held;
  session: boolean;
  token: boolean;
  area: 'deploy' | 'instance' | 'host' | null;
  /** On the application; null without one, or when it is deleted. */
  granted: string[] | null;
  /** Whether the task has hosts that are deleted, and such that are granted by nothing of their own. */
  goneHosts: boolean;
  ungranted: boolean;
}

/** The loss of each of these readers so far; undefined for those who keep access. */
export async function lossesOf(
  db: Kysely<Database>,
  readers: readonly Reader[],
  now: Date,
): Promise<(Loss | undefined)[]> {
  if (readers.length === 0) return [];
  const userId = sql<number>`reader.user_id`;
  const grants = sql`select grants.permission from grants where (grants.user_id = reader.user_id
    or grants.role_id in (select user_roles.role_id from user_roles where user_roles.user_id = reader.user_id))`;
  const views = sql.join(grantedBy('view_host').map((one) => sql.lit(one)));
  const query = sql<Facts>`select reader.place, coalesce(users.status = 'enabled', false) as enabled,
      ${holdings(userId)} as held,
      reader.session_hash is null or exists (select from sessions where sessions.id_hash = reader.session_hash
        and sessions.user_id = reader.user_id and sessions.expires_time > ${now}
        and sessions.last_seen_time > ${seenAfter(now)}) as session,
      reader.token_id is null or exists (select from auth_tokens where auth_tokens.id = reader.token_id
        and auth_tokens.user_id = reader.user_id
        and (auth_tokens.expires_time is null or auth_tokens.expires_time > ${now})) as token,
      tasks.area,
      case when applications.id is not null then array(${grants}
        and grants.scope = 'application' and grants.object_id = applications.id) end as granted,
      exists (select from task_results join hosts on hosts.id = task_results.host_id
        where task_results.task_id = host_task.id and hosts.deleted_time is not null) as gone_hosts,
      exists (select from task_results where task_results.task_id = host_task.id and not exists (${grants}
        and grants.scope = 'host' and grants.object_id = task_results.host_id and grants.permission in (${views}))
      ) as ungranted
    from unnest(${readers.map((one) => one.userId)}::bigint[], ${readers.map((one) => one.taskId)}::bigint[],
      ${readers.map((one) => one.sessionHash)}::bytea[], ${readers.map((one) => one.tokenId)}::bigint[])
      with ordinality as reader (user_id, task_id, session_hash, token_id, place)
    left join users on users.id = reader.user_id
    left join tasks on tasks.id = reader.task_id
    left join tasks as host_task on host_task.id = reader.task_id and host_task.area = 'host'
    left join applications on applications.id = tasks.application_id and applications.deleted_time is null`;
  const { rows } = await query.execute(db);
  const losses = new Map(rows.map((row) => [row.place, lossOf(row, readers[row.place - 1]?.userId ?? 0)]));
  return readers.map((_reader, index) => losses.get(index + 1));
}

function lossOf(facts: Facts, userId: number): Loss | undefined {
  if (!facts.enabled) return 'account';
  if (!facts.session) return 'session';
  if (!facts.token) return 'token';
  return mayRead(facts, userId) ? undefined : 'right';
}

function mayRead({ area, held, granted, goneHosts, ungranted }: Facts, userId: number): boolean {
  const subject = subjectOf(userId, held);
  if (area === 'host') return !goneHosts && (!ungranted || everywhere(subject, 'view_host'));
  if (area === null || granted === null) return false;
  const may = actionsOn(subject, 'application', granted);
  return may.has('view_app') && outputReaders[area].some((name) => may.has(name));
}
