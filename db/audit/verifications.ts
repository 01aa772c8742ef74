// What verifications found is kept, so that every process tells it in its metrics, whoever asked for the verification. A
// chain that was found broken counts as broken until a whole verification finds it right again.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { json } from '../json.ts';
import { startLoop } from '../loop.ts';
import type { Loop } from '../loop.ts';
import type { AnchorLog } from './anchor.ts';
import { verify, type Verification } from './verify.ts';

/** Keeps the result of a verification of records `from_id` to `to_id`; `whole` when it began at 1 and reached the head. */
export async function keepVerification(db: Kysely<Database>, result: Verification, whole: boolean): Promise<void> {
  await db
    .insertInto('auditVerifications')
    .values({ ok: result.ok, whole, result: json(result) })
    .execute();
}

/** Whether the last word on the chain is that it is broken. */
export async function isChainBroken(db: Kysely<Database>): Promise<boolean> {
  const broken = await db
    .selectFrom('auditVerifications as bad')
    .where('bad.ok', '=', false)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('auditVerifications as good')
            .where('good.ok', '=', true)
            .where('good.whole', '=', true)
            .whereRef('good.id', '>', 'bad.id')
            .select('good.id'),
        ),
      ),
    )
    .select('bad.id')
    .limit(1)
    .executeTakeFirst();
  return broken !== undefined;
}

/** Verifies the whole chain piece by piece; gives the last piece's result, with all that was checked. */
export async function verifyAll(db: Kysely<Database>): Promise<Verification> {
  let [fromId, checked, anchors] = [1, 0, 0];
  for (;;) {
    const piece = await verify(db, { fromId });
    checked += piece.checked;
    anchors += piece.anchors_checked;
    if (piece.next_id === null) return { ...piece, from_id: 1, checked, anchors_checked: anchors };
    fromId = piece.next_id;
  }
}

const everyMs = 60 * 60 * 1000;
const nightly = sql<Date>`now() - interval '24 hours'`;
const nightlyLock = 7_301_002;

/** Verifies the whole chain once a day, in one process of all; a broken one is logged as an error. */
export function startNightlyVerification(
  db: Kysely<Database>,
  log: AnchorLog & { error(fields: object, message: string): void },
): Loop {
  return startLoop({
    everyMs,
    log,
    failure: 'the audit chain could not be verified; the next round tries again',
    round: async () => {
      const result = await db.connection().execute(verifyWhenDue);
      if (result && !result.ok)
        log.error({ result }, 'the audit chain is broken: records were changed, removed or never sealed');
      return false;
    },
  });
}

// The lock belongs to the session, so that no transaction stays open for as long as the verification takes.
async function verifyWhenDue(db: Kysely<Database>): Promise<Verification | undefined> {
  const { rows } = await sql<{ mine: boolean }>`select pg_try_advisory_lock(${nightlyLock}) as mine`.execute(db);
  if (!rows[0]?.mine) return undefined;
  try {
    const recent = await db
      .selectFrom('auditVerifications')
      .where('whole', '=', true)
      .where('time', '>', nightly)
      .select('id')
      .limit(1)
      .executeTakeFirst();
    if (recent) return undefined;
    const result = await verifyAll(db);
    await keepVerification(db, result, true);
    return result;
  } finally {
    await sql`select pg_advisory_unlock(${nightlyLock})`.execute(db);
  }
}
