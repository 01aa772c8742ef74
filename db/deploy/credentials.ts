import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';

/** The purpose under which the secret of a credential is sealed. */
export const credentialPurpose = (id: number): string => `repository_credentials/secret/${id}`;

/** Somebody's own credentials of a kind. */
export const selectCredentials = (db: Kysely<Database>, userId: number, type: 'PASSWORD' | 'SSH_PRIVATE_KEY') =>
  db.selectFrom('repositoryCredentials').selectAll().where('userId', '=', userId).where('type', '=', type);

/** How many repositories use a credential. */
export async function repositoriesUsing(db: Kysely<Database>, id: number): Promise<number> {
  const { count } = await db
    .selectFrom('deploySettings')
    .innerJoin('applications', 'applications.id', 'deploySettings.applicationId')
    .where('applications.deletedTime', 'is', null)
    .where(sql<boolean>`deploy_settings.repository -> 'credential' -> 'id' = to_jsonb(${id}::bigint)`)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
