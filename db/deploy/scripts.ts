import { sql } from 'kysely';
import type { Expression, Kysely, SqlBool } from 'kysely';
import { hookNames } from '../../workflows/deploy/contract.ts';
import { selectSummaries } from '../applications/find.ts';
import type { Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import { countOf } from '../pagination/paginate.ts';
import { hooksInForce } from './settings.ts';

/** Scripts; everybody who may see one may see them all. */
export const selectScripts = (db: Kysely<Database>) => db.selectFrom('deployScripts').selectAll();

/** Scripts by id, kept from being deleted until the end of the transaction. */
export const holdScripts = (tx: Kysely<Database>, ids: readonly number[]) =>
  selectScripts(tx)
    .where('id', 'in', ids.length > 0 ? ids : [0])
    .orderBy('id')
    .forKeyShare()
    .execute();

/** True where one of these hooks is the script. */
const among = (hooks: Expression<unknown>, scriptId: number): Expression<SqlBool> => sql<SqlBool>`exists (
  select from jsonb_each(${hooks}) as hook
  where hook.key = any(${[...hookNames]}::text[]) and hook.value -> 'script' -> 'id' = to_jsonb(${scriptId}::bigint))`;

/** Applications that the caller may view and whose effective settings use a script. */
export const applicationsUsing = (db: Kysely<Database>, subject: Subject, scriptId: number) =>
  selectSummaries(db, subject).where('applications.id', 'in', (eb) =>
    eb
      .selectFrom('deploySettings')
      .leftJoin('deployTemplates', 'deployTemplates.id', 'deploySettings.templateId')
      .where(among(hooksInForce, scriptId))
      .select('applicationId'),
  );

/** How many settings and templates use a script, settings of hidden applications included. */
export async function usesOfScript(db: Kysely<Database>, scriptId: number): Promise<number> {
  const settings = db
    .selectFrom('deploySettings')
    .innerJoin('applications', 'applications.id', 'deploySettings.applicationId')
    .where('applications.deletedTime', 'is', null)
    .where(among(sql.ref('deploySettings.lifecycleHooks'), scriptId))
    .select(sql`1`.as('one'));
  const templates = db
    .selectFrom('deployTemplates')
    .where(among(sql.ref('deployTemplates.lifecycleHooks'), scriptId))
    .select(sql`1`.as('one'));
  return countOf(db, settings.unionAll(templates));
}
