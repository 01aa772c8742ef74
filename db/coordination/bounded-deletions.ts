// What deletes by age asks the database's clock and nobody else's, and nothing is deleted while a process's own differs: one of
// both is wrong, and what is gone is gone. Even so at most a day's worth of the oldest goes within an hour, over all processes,
// so that a clock that both believe costs a day and not everything.
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { WarningLog } from '../core/connect.ts';
import type { Database } from '../database.ts';

const mostSkewMs = 60_000;

export interface AlarmLog extends WarningLog {
  error(fields: object, message: string): void;
}

/** How many milliseconds the clock of this process is ahead of the database's, at least. */
export async function clockSkewMs(db: Kysely<Database>, now = Date.now): Promise<{ skewMs: number; time: Date }> {
  const before = now();
  const { rows } = await sql<{ time: Date }>`select clock_timestamp() as time`.execute(db);
  const after = now();
  const time = rows[0]?.time ?? new Date(before);
  const at = time.getTime();
  // Whatever lies between question and answer agrees.
  const skewMs = at < before ? before - at : at > after ? after - at : 0;
  return { skewMs, time };
}

/** The database's time; undefined, with an alarm, when the clock of this process is more than a minute away from it. */
export async function agreedTime(db: Kysely<Database>, log: AlarmLog, now = Date.now): Promise<Date | undefined> {
  const { skewMs, time } = await clockSkewMs(db, now);
  if (Math.abs(skewMs) <= mostSkewMs) return time;
  log.error(
    { skewSeconds: Math.round(skewMs / 1000), databaseTime: time.toISOString() },
    'the clock of this process and that of the database differ: nothing is deleted by age until they agree',
  );
  return undefined;
}

/**
 * Up to when things of a kind may be deleted for now, `limit` at most: a day after the oldest of them, or with
 * `goesOn` after where it stood. It moves once an hour. What is not known to have an oldest begins at the limit.
 */
export async function deletionWindow(
  db: Kysely<Database>,
  kind: string,
  { oldest = null, limit, goesOn = false }: { oldest?: Date | null; limit: Date; goesOn?: boolean },
): Promise<Date> {
  const start = goesOn ? sql`greatest(${oldest}::timestamptz, deletion_windows.until)` : sql`${oldest}::timestamptz`;
  await sql`
    insert into deletion_windows (kind, taken_time, until)
    values (${kind}, now(), least(${oldest}::timestamptz + interval '1 day', ${limit}::timestamptz))
    on conflict (kind) do update
      set taken_time = now(), until = least(${start} + interval '1 day', ${limit}::timestamptz)
      where deletion_windows.taken_time < now() - interval '55 minutes' or deletion_windows.taken_time > now()
  `.execute(db);
  const { until } = await db
    .selectFrom('deletionWindows')
    .where('kind', '=', kind)
    .select('until')
    .executeTakeFirstOrThrow();
  return until < limit ? until : limit;
}

/** Tables whose rows are of no use after a time, with the moment from which each row is old enough. */
const keptForATime: readonly { table: string; ended: RawBuilder<Date> }[] = [
  { table: 'sessions', ended: sql`least(expires_time, last_seen_time + interval '12 hours')` },
  { table: 'pending_logins', ended: sql`expires_time` },
  { table: 'password_links', ended: sql`expires_time` },
  { table: 'email_changes', ended: sql`expires_time` },
  { table: 'idempotency_keys', ended: sql`created_time + interval '24 hours'` },
  { table: 'rate_events', ended: sql`time + interval '1 day'` },
  { table: 'used_tickets', ended: sql`expires_time + interval '1 minute'` },
];

/** Removes what has been of no use at `time`, of each table a day's worth of the oldest at most. */
export async function removeEnded(db: Kysely<Database>, time: Date): Promise<void> {
  for (const { table, ended } of keptForATime) {
    const { rows } = await sql<{ oldest: Date | null }>`
      select min(${ended}) as oldest from ${sql.table(table)} where ${ended} < ${time}`.execute(db);
    const oldest = rows[0]?.oldest;
    if (!oldest) continue;
    const until = await deletionWindow(db, table, { oldest, limit: time });
    await sql`delete from ${sql.table(table)} where ${ended} < ${until}`.execute(db);
  }
}
