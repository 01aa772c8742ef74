import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { visible, type Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import { fromParts } from '../core/row-batches.ts';

/** Ids that an application is linked to, as far as the caller may view them. */
interface Relations {
  children: number[];
  required: number[];
  responsePersons: number[];
}

/** The relations of each of these applications, in three queries. */
export async function relationsOf(
  db: Kysely<Database>,
  subject: Subject,
  ids: readonly number[],
): Promise<Map<number, Relations>> {
  const of = new Map(ids.map((id): [number, Relations] => [id, { children: [], required: [], responsePersons: [] }]));
  if (ids.length === 0) return of;
  const children = await db
    .selectFrom('applications')
    .where('parentId', 'in', ids)
    .where('deletedTime', 'is', null)
    .where(visible(subject, 'application', 'view_app', 'applications.id'))
    .select(['id', 'parentId'])
    .orderBy('id')
    .execute();
  const required = await db
    .selectFrom('requiredApps')
    .where('applicationId', 'in', ids)
    .where(visible(subject, 'application', 'view_app', 'required_apps.required_id'))
    .select(['applicationId', 'requiredId'])
    .orderBy('requiredId')
    .execute();
  const people = await db
    .selectFrom('responsePersons')
    .where('applicationId', 'in', ids)
    .select(['applicationId', 'userId'])
    .distinct()
    .orderBy('userId')
    .execute();
  for (const { id, parentId } of children) if (parentId !== null) of.get(parentId)?.children.push(id);
  for (const { applicationId, requiredId } of required) of.get(applicationId)?.required.push(requiredId);
  for (const { applicationId, userId } of people) of.get(applicationId)?.responsePersons.push(userId);
  return of;
}

const requirementsLock = 0x736c_7271;

/** Keeps all other changes of requirements away until the end of the transaction. */
export const lockRequirements = (tx: Kysely<Database>) =>
  sql`select pg_advisory_xact_lock(${requirementsLock})`.execute(tx);

/** A way from `from` to `to` along requirements, both included; undefined when there is none. */
export async function requirementPath(db: Kysely<Database>, from: number, to: number): Promise<number[] | undefined> {
  const { rows } = await sql<{ applicationId: number; requiredId: number }>`
    with recursive reached(id) as (
      select ${from}::bigint
      union select required_apps.required_id from required_apps join reached on application_id = reached.id
    )
    select application_id, required_id from required_apps where application_id in (select id from reached)`.execute(db);
  const cameFrom = new Map<number, number>();
  const queue = [from];
  for (const at of queue) {
    if (at === to) return [...trace(cameFrom, from, to)].reverse();
    for (const { applicationId, requiredId } of rows)
      if (applicationId === at && !cameFrom.has(requiredId)) {
        cameFrom.set(requiredId, at);
        queue.push(requiredId);
      }
  }
  return undefined;
}

function* trace(cameFrom: ReadonlyMap<number, number>, from: number, to: number): Generator<number> {
  for (let at: number | undefined = to; at !== undefined; at = at === from ? undefined : cameFrom.get(at)) yield at;
}

/** Adds requirements and returns those that were not there. */
export async function addRequirements(
  tx: Kysely<Database>,
  applicationId: number,
  requiredIds: readonly number[],
): Promise<number[]> {
  const rows = requiredIds.map((requiredId) => ({ applicationId, requiredId }));
  const added = await fromParts(rows, (part) =>
    tx
      .insertInto('requiredApps')
      .values(part)
      .onConflict((on) => on.doNothing())
      .returning('requiredId')
      .execute(),
  );
  return added.map((row) => row.requiredId);
}

/** Removes requirements. */
export async function dropRequirements(
  tx: Kysely<Database>,
  applicationId: number,
  requiredIds: readonly number[],
): Promise<void> {
  if (requiredIds.length === 0) return;
  await tx
    .deleteFrom('requiredApps')
    .where('applicationId', '=', applicationId)
    .where('requiredId', 'in', requiredIds)
    .execute();
}
