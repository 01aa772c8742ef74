// Stores verification results, so that every process reports them in its metrics. A chain found broken counts as broken
// until a whole verification succeeds again.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { startLoop } from '../core/polling-loop.ts';
import type { Loop } from '../core/polling-loop.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { AnchorLog } from './anchor.ts';
import { verify, type Verification } from './verify.ts';

/** Proves a result: an attacker who can only write to the database has no key. */
type Prover = Pick<Secrets, 'mac'>;

const proofOf = ({ mac }: Prover, { ok, whole, time }: { ok: boolean; whole: boolean; time: Date }): string =>
  mac('audit-verification', JSON.stringify([ok, whole, time.toISOString()]));

/** Keeps the result of a verification of records `from_id` to `to_id`; `whole` when it began at 1 and reached the head. */
export async function keepVerification(
  db: Kysely<Database>,
  secrets: Prover,
  result: Verification,
  whole: boolean,
): Promise<void> {
  const time = await databaseTime(db);
  const { ok } = result;
  const mac = proofOf(secrets, { ok, whole, time });
  await db
    .insertInto('auditVerifications')
    .values({ ok, whole, time, mac, result: json(result) })
    .execute();
}

// To the millisecond, as the proof has it.
async function databaseTime(db: Kysely<Database>): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`select date_trunc('milliseconds', clock_timestamp()) as time`.execute(db);
  return (rows[0] as { time: Date }).time;
}

const looksBack = 1_000;

/** Whether a verification of the whole chain since a time is proved, one that found it right or any. */
async function proved(db: Kysely<Database>, secrets: Prover, since: Date, found: 'right' | 'any'): Promise<boolean> {
  const rows = await db
    .selectFrom('auditVerifications')
    .$if(found === 'right', (q) => q.where('ok', '=', true))
    .where('whole', '=', true)
    .where('time', '>', since)
    .where('time', '<=', sql<Date>`clock_timestamp()`)
    .select(['ok', 'whole', 'time', 'mac'])
    .orderBy('id', 'desc')
    .limit(looksBack)
    .execute();
  return rows.some((row) => row.mac === proofOf(secrets, row));
}

/** Whether the latest result says that the chain is broken; a success counts only if it is proved. */
export async function isChainBroken(db: Kysely<Database>, secrets: Prover): Promise<boolean> {
  const bad = await db
    .selectFrom('auditVerifications')
    .where('ok', '=', false)
    .where('time', '<=', sql<Date>`clock_timestamp()`)
    .select('time')
    .orderBy('time', 'desc')
    .limit(1)
    .executeTakeFirst();
  return bad !== undefined && !(await proved(db, secrets, bad.time, 'right'));
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
const nightlyMs = 24 * everyMs;
const nightlyLock = 7_301_002;

/** Verifies the whole chain once a day, in one process of all; a broken one is logged as an error. */
export function startNightlyVerification(
  db: Kysely<Database>,
  secrets: Prover,
  log: AnchorLog & { error(fields: object, message: string): void },
): Loop {
  return startLoop({
    everyMs,
    log,
    failure: 'the audit chain could not be verified; the next round tries again',
    round: async () => {
      const result = await db.connection().execute((one) => verifyWhenDue(one, secrets));
      if (result && !result.ok)
        log.error({ result }, 'the audit chain is broken: records were changed, removed or never sealed');
      return false;
    },
  });
}

// The lock belongs to the session, so that no transaction stays open for as long as the verification takes.
async function verifyWhenDue(db: Kysely<Database>, secrets: Prover): Promise<Verification | undefined> {
  const { rows } = await sql<{ mine: boolean }>`select pg_try_advisory_lock(${nightlyLock}) as mine`.execute(db);
  if (!rows[0]?.mine) return undefined;
  try {
    const since = new Date((await databaseTime(db)).getTime() - nightlyMs);
    if (await proved(db, secrets, since, 'any')) return undefined;
    const result = await verifyAll(db);
    await keepVerification(db, secrets, result, true);
    return result;
  } finally {
    await sql`select pg_advisory_unlock(${nightlyLock})`.execute(db);
  }
}
