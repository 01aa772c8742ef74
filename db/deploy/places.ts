// Deploy locations: a deploy path on a host, with everything below it, belongs to one application; another would switch its
// `current`, replace its releases and be reverted to its code. Changes take one lock after their writes, so that the later
// of two sees the earlier; locations shared since before this rule keep working for the application that was first.
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { Problem } from '../../workflows/problems/problem.ts';
import { mayOnEach } from '../access/rights.ts';
import type { Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';

const placesLock = 0x736c_706c;

/** Two applications whose deploy paths on a host are the same, or one in the other. */
interface SharedPlace {
  applicationId: number;
  path: string;
  hostname: string;
  otherId: number;
  otherName: string;
  otherPath: string;
}

/** Deploy paths in force by instance; `folder` is the path without what spells it otherwise, ended by a slash. */
const places = sql`
  select instances.id, instances.application_id, instances.host_id, applications.full_name, in_force.path,
    regexp_replace(in_force.path || '/', '/(\\./|/)*', '/', 'g') as folder,
    instances.releases <> '[]' or instances.version is not null as is_deployed
  from instances
  join applications on applications.id = instances.application_id and applications.deleted_time is null
  join deploy_settings on deploy_settings.application_id = applications.id
  left join deploy_templates on deploy_templates.id = deploy_settings.template_id
  cross join lateral (
    select coalesce(deploy_settings.deploy_path, deploy_templates.deploy_path, applications.directory) as path
  ) as in_force
  where in_force.path <> ''`;

/** The other was first where it is deployed and this one is not, else where its instance is older. */
const otherWasFirst = sql`(other.is_deployed, -other.id) > (mine.is_deployed, -mine.id)`;

async function sharedPlace(db: Kysely<Database>, condition: RawBuilder<unknown>): Promise<SharedPlace | undefined> {
  const { rows } = await sql<SharedPlace>`
    with places as (${places})
    select mine.application_id, mine.path, hosts.name as hostname, other.application_id as other_id,
      other.full_name as other_name, other.path as other_path
    from places as mine
    join places as other on other.host_id = mine.host_id and other.application_id <> mine.application_id
      and (starts_with(mine.folder, other.folder) or starts_with(other.folder, mine.folder))
    join hosts on hosts.id = mine.host_id
    where ${condition}
    order by mine.application_id, mine.id, other.id limit 1`.execute(db);
  return rows[0];
}

/** What may be told of two applications that share a place: the other by its name if the caller may view it. */
async function problemOf(db: Kysely<Database>, subject: Subject, shared: SharedPlace): Promise<Problem> {
  const { applicationId, otherId, path, hostname, otherName, otherPath } = shared;
  const may = await mayOnEach(db, subject, 'application', 'view_app', [applicationId, otherId]);
  if (may.get(applicationId) === 'hidden') return new Problem('linked_deploy_path_taken', { path });
  if (may.get(otherId) === 'hidden') return new Problem('deploy_path_taken', { path, host: hostname });
  return new Problem('deploy_path_of', { path, host: hostname, application: otherName, other_path: otherPath });
}

interface ChangedPlaces {
  applicationIds: readonly number[];
  /** Of these hosts alone. */
  hostIds?: readonly number[];
}

/** Throws Problem when applications whose path or hosts have just changed come into a place of another. */
export async function refuseSharedPlaces(
  tx: Kysely<Database>,
  subject: Subject,
  { applicationIds, hostIds }: ChangedPlaces,
): Promise<void> {
  if (applicationIds.length === 0) return;
  await sql`select pg_advisory_xact_lock(${placesLock})`.execute(tx);
  const onHosts = hostIds ? sql`and mine.host_id = any(${hostIds}::bigint[])` : sql``;
  const shared = await sharedPlace(tx, sql`mine.application_id = any(${applicationIds}::bigint[]) ${onHosts}`);
  if (shared) throw await problemOf(tx, subject, shared);
}

/** Throws Problem when an application would be deployed to where another was first. */
export async function refuseForeignPlace(
  db: Kysely<Database>,
  subject: Subject,
  applicationId: number,
  instanceIds?: readonly number[],
): Promise<void> {
  const ofInstances = instanceIds ? sql`and mine.id = any(${instanceIds}::bigint[])` : sql``;
  const shared = await sharedPlace(db, sql`mine.application_id = ${applicationId} ${ofInstances} and ${otherWasFirst}`);
  if (shared) throw await problemOf(db, subject, shared);
}

/** The deploy paths of other applications on the host of an instance, each once. */
export async function otherPlaces(db: Kysely<Database>, instanceId: number | null): Promise<string[]> {
  const { rows } = await sql<{ path: string }>`
    with places as (${places})
    select distinct other.path from places as mine
    join places as other on other.host_id = mine.host_id and other.application_id <> mine.application_id
    where mine.id = ${instanceId} order by other.path`.execute(db);
  return rows.map(({ path }) => path);
}
