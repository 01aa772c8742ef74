// A refusal has no transaction of a change to join. Repeated attempts would flood a log that is never cut, so per hour the
// first 100 of an actor and operation are written out and the rest counted; one record with the count follows after the
// hour. The key ignores the object: a caller who walks through ids is refused a different object each time.
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely, Selectable, Transaction } from 'kysely';
import type { Actor } from '../../workflows/tasks/contract.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { record } from './record.ts';
import type { AuditEntry } from './record.ts';
import type { AuditTables } from './tables.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const writtenOut = 100;
const noObject = { targetId: null, targetName: null };
/** A counted group of refusals names an object only if all concern the same one. */
const ofOneObject = sql<string>`case
  when audit_refusals.entry -> 'targetId' is not distinct from excluded.entry -> 'targetId'
    and audit_refusals.entry -> 'targetName' is not distinct from excluded.entry -> 'targetName'
  then audit_refusals.entry else audit_refusals.entry || ${json(noObject)}::jsonb end`;
const overBefore = sql<Date>`now() - interval '1 hour'`;

/** Records a refusal in its own transaction. */
export const recordRefusal = (db: Kysely<Database>, by: Actor, entry: AuditEntry): Promise<void> =>
  db.transaction().execute((tx) => recordRefusalIn(tx, by, entry));

/** Idempotent, for requests repeated after a lost response: `requestId` identifies the first record. */
export async function recordRefusalOnce(
  db: Kysely<Database>,
  by: Actor & { requestId: string },
  entry: AuditEntry & { targetId: number },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const known = await tx
      .selectFrom('auditRecords')
      .select('id')
      .where('targetType', '=', entry.targetType)
      .where('targetId', '=', entry.targetId)
      .where('requestId', '=', by.requestId)
      .executeTakeFirst();
    if (!known) await recordRefusalIn(tx, by, entry);
  });
}

/** In the transaction of what else the refusal changes. */
export async function recordRefusalIn(tx: Transaction<Database>, by: Actor, entry: AuditEntry): Promise<void> {
  const refused: AuditEntry = { ...entry, outcome: 'refused' };
  const key = keyOf(by, refused);
  await tellCount(
    tx,
    await tx
      .deleteFrom('auditRefusals')
      .where('key', '=', key)
      .where('since', '<', overBefore)
      .returningAll()
      .execute(),
  );
  const { count } = await tx
    .insertInto('auditRefusals')
    .values({ key, actor: json(by), entry: json(refused) })
    .onConflict((on) => on.column('key').doUpdateSet({ count: sql`audit_refusals.count + 1`, entry: ofOneObject }))
    .returning('count')
    .executeTakeFirstOrThrow();
  if (count <= writtenOut) await record(tx, by, [refused]);
}

/** Writes the counts of hours that are over; to be called every few minutes by any process. */
export async function tellRefusalCounts(db: Kysely<Database>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tellCount(tx, await tx.deleteFrom('auditRefusals').where('since', '<', overBefore).returningAll().execute());
  });
}

async function tellCount(
  tx: Transaction<Database>,
  over: readonly Selectable<AuditTables['auditRefusals']>[],
): Promise<void> {
  for (const { actor, entry: stored, count } of over) {
    const entry = stored as AuditEntry;
    const more = count - writtenOut;
    if (more <= 0) continue;
    const others = entry.targetId === null && entry.targetName === null;
    const detail = auditText(others ? 'refused_again_others' : 'refused_again', { what: entry.detail, n: more });
    await record(tx, { ...actor, requestId: null }, [{ ...entry, detail }]);
  }
}

// The same one tries the same from the same address; object, request and time differ.
function keyOf(by: Actor, entry: AuditEntry): string {
  const same = [by.username, by.channel, by.remoteAddr ?? null, entry.view, entry.area, entry.opType];
  return createHash('sha256')
    .update(JSON.stringify([...same, entry.opTarget ?? null, entry.targetType, entry.permName ?? null]))
    .digest('hex');
}
