// Deletion by age uses the database's clock only, and stops while the process's clock differs: one of them is wrong, and
// deletion is irreversible. In addition at most a day's worth of the oldest data is deleted per hour, over all processes, so
// that a wrong clock shared by both costs a day, not everything.
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { WarningLog } from '../core/connect.ts';
import type { Database } from '../database.ts';

const mostSkewMs = 60_000;

export interface AlarmLog extends WarningLog {
  error(fields: object, message: string): void;
}

/** Lower bound of the difference between this process's clock and the database's, in milliseconds. */
export async function clockSkewMs(db: Kysely<Database>, now = Date.now): Promise<{ skewMs: number; time: Date }> {
  const before = now();
  const { rows } = await sql<{ time: Date }>`select clock_timestamp() as time`.execute(db);
  const after = now();
  const time = rows[0]?.time ?? new Date(before);
  const at = time.getTime();
  // Any time between request and response is consistent.
  const skewMs = at < before ? before - at : at > after ? after - at : 0;
  return { skewMs, time };
}

/** The database's time; undefined, with an alarm, if this process's clock differs by more than a minute. */
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
 * Upper bound for deleting data of a kind now, at most `limit`: a day after the oldest, or with `goesOn` a day after the
 * last bound. It advances once an hour. Without a known oldest it starts at the limit.
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

/** Tables with rows that expire, and the moment from which each row's age counts. */
const keptForATime: readonly { table: string; ended: RawBuilder<Date> }[] = [
  { table: 'sessions', ended: sql`least(expires_time, last_seen_time + interval '12 hours')` },
  { table: 'pending_logins', ended: sql`expires_time` },
  { table: 'password_links', ended: sql`expires_time` },
  { table: 'email_changes', ended: sql`expires_time` },
  { table: 'idempotency_keys', ended: sql`created_time + interval '24 hours'` },
  { table: 'rate_events', ended: sql`time + interval '1 day'` },
  { table: 'used_tickets', ended: sql`expires_time + interval '1 minute'` },
];

/** Deletes rows expired at `time`, at most a day's worth of the oldest per table. */
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
