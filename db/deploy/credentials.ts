import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { countOf } from '../pagination/paginate.ts';

/** The purpose under which the secret of a credential is sealed. */
export const credentialPurpose = (id: number): string => `repository_credentials/secret/${id}`;

/** A user's own credentials of a kind. */
export const selectCredentials = (db: Kysely<Database>, userId: number, type: 'PASSWORD' | 'SSH_PRIVATE_KEY') =>
  db.selectFrom('repositoryCredentials').selectAll().where('userId', '=', userId).where('type', '=', type);

/** How many repositories use a credential: those of settings, and of templates. */
export async function repositoriesUsing(db: Kysely<Database>, id: number): Promise<number> {
  const isUsed = (table: 'deploySettings' | 'deployTemplates') =>
    sql<boolean>`${sql.ref(`${table}.repository`)} -> 'credential' -> 'id' = to_jsonb(${id}::bigint)`;
  const settings = db
    .selectFrom('deploySettings')
    .innerJoin('applications', 'applications.id', 'deploySettings.applicationId')
    .where('applications.deletedTime', 'is', null)
    .where(isUsed('deploySettings'))
    .select(sql`1`.as('one'));
  const templates = db
    .selectFrom('deployTemplates')
    .where(isUsed('deployTemplates'))
    .select(sql`1`.as('one'));
  return countOf(db, settings.unionAll(templates));
}
