import { sql } from 'kysely';
import type { Expression, Kysely, RawBuilder, SqlBool } from 'kysely';
import { grantedOn, visible, type Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import type { HostRow } from '../inventory/tables.ts';
import { anywhere } from '../core/ilike.ts';
import { hostWay, isAdmitted } from './ways.ts';

/** Hosts that the caller may view. */
export const selectHosts = (db: Kysely<Database>, subject: Subject) =>
  db
    .selectFrom('hosts')
    .selectAll('hosts')
    .select(grantedOn(subject, 'host', 'hosts.id').as('granted'))
    .select([hostWay.as('way'), isAdmitted.as('isAdmitted')])
    .where('hosts.deletedTime', 'is', null)
    .where(visible(subject, 'host', 'view_host', 'hosts.id'));

export type SeenHost = HostRow & { granted: string[]; way: string | null; isAdmitted: boolean };

/** A host that the caller may view. */
export const findHost = (db: Kysely<Database>, subject: Subject, id: number) =>
  selectHosts(db, subject).where('hosts.id', '=', id).executeTakeFirst();

/** Filters of the list of hosts; texts match anywhere, regardless of case. */
export interface HostFilter {
  name?: string | undefined;
  host_type?: string | undefined;
  status?: string | undefined;
  os_status?: string | undefined;
  ip?: string | undefined;
  location?: string | undefined;
  application?: number | undefined;
}

/** A condition on a row of `hosts`: all given filters match; cheap ones are tested first. */
export function matchingHosts(filter: HostFilter, subject: Subject): Expression<SqlBool> {
  const conditions: RawBuilder<SqlBool>[] = [sql`true`];
  const add = (condition: RawBuilder<SqlBool>): void => void conditions.push(condition);
  const { name, host_type, status, os_status, ip, location, application } = filter;
  if (host_type !== undefined) add(sql`hosts.host_type = ${host_type}`);
  if (status !== undefined) add(sql`hosts.status = ${status}`);
  if (os_status !== undefined) add(sql`hosts.os_status = ${os_status}`);
  // Many hosts share a place, so the search is over places.
  if (location !== undefined)
    add(sql`hosts.location in (
      select host_locations.location from host_locations where host_locations.location ilike ${anywhere(location)})`);
  if (name !== undefined) add(sql`hosts.searched_name like ${anywhere(name.toLowerCase())}`);
  if (ip !== undefined) add(atAddress(ip));
  if (application !== undefined)
    add(sql`exists (
      select from instances where instances.host_id = hosts.id and instances.application_id = ${application}
      and ${visible(subject, 'application', 'view_app', 'instances.application_id')})`);
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`;
}

/** True for hosts with an address that contains this; the column holds a list, with letters for separators. */
function atAddress(ip: string): RawBuilder<SqlBool> {
  if (!/^[0-9a-f.:]*$/i.test(ip)) return sql`false`;
  const searched = ip.toLowerCase().replaceAll('.', 'x').replaceAll(':', 'y');
  return sql`hosts.addresses like ${anywhere(searched)}`;
}

/** The number of a host's instances, and one of them that a task holds. */
export async function instancesAt(db: Kysely<Database>, hostId: number) {
  const rows = await db.selectFrom('instances').where('hostId', '=', hostId).select(['id', 'busyTaskId']).execute();
  const busy = rows.find(({ busyTaskId }) => busyTaskId !== null);
  return { instances: rows.length, busyInstance: busy ? { id: busy.id, taskId: busy.busyTaskId ?? 0 } : null };
}

/** The number of a host's instances. */
export const instancesOn = async (db: Kysely<Database>, hostId: number): Promise<number> =>
  (await instancesAt(db, hostId)).instances;

/** Ids for IP addresses, drawn before they are written. */
export async function ipAddressIds(db: Kysely<Database>, count: number): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    select nextval('ip_address_ids') as id from generate_series(1, ${count}::integer)`.execute(db);
  return rows.map((row) => row.id);
}
