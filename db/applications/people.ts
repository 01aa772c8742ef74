import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { ResponseType } from '../../workflows/applications/contract.ts';
import type { Database } from '../database.ts';
import { insertRows } from '../core/row-batches.ts';

/** A user answering for an application in one role. */
export interface ResponsePerson {
  userId: number;
  type: ResponseType;
}

const asText = (one: ResponsePerson): string => `${one.userId}/${one.type}`;

/** The response persons of an application, a row for each role of a user. */
export const responsePersonsOf = (db: Kysely<Database>, applicationId: number): Promise<ResponsePerson[]> =>
  db
    .selectFrom('responsePersons')
    .where('applicationId', '=', applicationId)
    .select(['userId', 'type'])
    .orderBy('userId')
    .orderBy('type')
    .execute();

/** Adds and removes rows until exactly `wanted` is there. */
export async function setResponsePersons(
  tx: Kysely<Database>,
  applicationId: number,
  wanted: readonly ResponsePerson[],
): Promise<void> {
  const present = await responsePersonsOf(tx, applicationId);
  const [want, have] = [new Set(wanted.map(asText)), new Set(present.map(asText))];
  const gone = present.filter((one) => !want.has(asText(one)));
  const added = wanted.filter((one) => !have.has(asText(one)));
  for (const { userId, type } of gone)
    await tx
      .deleteFrom('responsePersons')
      .where('applicationId', '=', applicationId)
      .where('userId', '=', userId)
      .where('type', '=', type)
      .execute();
  const rows = added.map((one) => ({ applicationId, ...one }));
  await insertRows(tx, 'responsePersons', rows);
}

/** Response persons in order, with what the API shows of a user; `id` is the user's. */
export const listResponsePersons = (db: Kysely<Database>, applicationId: number) =>
  db
    .selectFrom('responsePersons')
    .innerJoin('users', 'users.id', 'responsePersons.userId')
    .where('responsePersons.applicationId', '=', applicationId)
    .select(['users.id', 'users.email', 'users.phone', 'responsePersons.type'])
    .select(sql<string>`coalesce(nullif(users.name, ''), users.username)`.as('name'))
    .orderBy('users.id')
    .orderBy('responsePersons.type')
    .execute();
