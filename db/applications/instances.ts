import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** Instances with the names of their hosts. */
export const selectInstances = (db: Kysely<Database>, applicationId: number) =>
  db
    .selectFrom('instances')
    .innerJoin('hosts', 'hosts.id', 'instances.hostId')
    .selectAll('instances')
    .select('hosts.name as hostname')
    .where('instances.applicationId', '=', applicationId);

/** Hosts by id, locked until the end of the transaction in an order that cannot deadlock. */
export const lockHosts = (tx: Kysely<Database>, ids: readonly number[]) =>
  tx
    .selectFrom('hosts')
    .where('id', 'in', ids.length > 0 ? ids : [0])
    .where('deletedTime', 'is', null)
    .selectAll()
    .orderBy('id')
    .forUpdate()
    .execute();

/** Makes `inited` hosts with instances `attached`, and `attached` ones without `inited`. */
export async function settleAttachment(tx: Kysely<Database>, hostIds: readonly number[], now: Date): Promise<void> {
  const used = sql<boolean>`exists (select from instances where instances.host_id = hosts.id)`;
  const change = (from: 'inited' | 'attached', to: 'inited' | 'attached', when: typeof used) =>
    tx
      .updateTable('hosts')
      .set({ status: to, updatedTime: now })
      .where('id', 'in', hostIds)
      .where('status', '=', from)
      .where(when)
      .execute();
  await change('inited', 'attached', used);
  await change('attached', 'inited', sql<boolean>`not ${used}`);
}
