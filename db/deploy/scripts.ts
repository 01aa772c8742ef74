import { sql } from 'kysely';
import type { Expression, Kysely, SqlBool } from 'kysely';
import { hookNames } from '../../workflows/deploy/contract.ts';
import { selectApplications } from '../applications/find.ts';
import type { Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';

/** Scripts; everybody who may see one may see them all. */
export const selectScripts = (db: Kysely<Database>) => db.selectFrom('deployScripts').selectAll();

/** Scripts by id, kept from being deleted until the end of the transaction. */
export const holdScripts = (tx: Kysely<Database>, ids: readonly number[]) =>
  selectScripts(tx)
    .where('id', 'in', ids.length > 0 ? ids : [0])
    .orderBy('id')
    .forKeyShare()
    .execute();

/** True for settings one of whose hooks is the script. */
const uses = (scriptId: number): Expression<SqlBool> => sql<SqlBool>`exists (
  select from jsonb_each(deploy_settings.lifecycle_hooks) as hook
  where hook.key = any(${[...hookNames]}::text[]) and hook.value -> 'script' -> 'id' = to_jsonb(${scriptId}::bigint))`;

/** Applications, as far as somebody may view them, whose settings in force use a script. */
export const applicationsUsing = (db: Kysely<Database>, subject: Subject, scriptId: number) =>
  selectApplications(db, subject).where('applications.id', 'in', (eb) =>
    eb.selectFrom('deploySettings').where(uses(scriptId)).select('applicationId'),
  );

/** How many settings use a script, those of hidden applications included. */
export async function settingsUsing(db: Kysely<Database>, scriptId: number): Promise<number> {
  const { count } = await db
    .selectFrom('deploySettings')
    .innerJoin('applications', 'applications.id', 'deploySettings.applicationId')
    .where('applications.deletedTime', 'is', null)
    .where(uses(scriptId))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
