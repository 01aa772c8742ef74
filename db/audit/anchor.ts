// A superuser could drop the triggers and rewrite the whole chain. So its head is regularly copied out of their reach, to
// the process's log and an external URL, and into a table for verification.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { WarningLog } from '../core/connect.ts';
import type { Database } from '../database.ts';
import { sealerLock } from './chain.ts';

/** A head of the chain at a time. */
interface Anchor {
  position: number;
  hash: string;
  op_time: string;
}

/** The log that receives anchors. */
export interface AnchorLog extends WarningLog {
  info(fields: object, message: string): void;
}

const everyRecords = 10_000;
const every = sql<Date>`now() - interval '1 hour'`;
const postTimeoutMs = 10_000;

/**
 * Anchors the head when the last anchor is an hour or 10,000 records old and the chain has grown since; tells the log
 * and, when given, `url` (POST of the anchor as JSON). Gives the anchor, if any.
 */
export async function anchor(
  db: Kysely<Database>,
  { log, url }: { log: AnchorLog; url?: string | undefined },
): Promise<Anchor | undefined> {
  const made = await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${sealerLock}) as mine`.execute(tx);
    if (!rows[0]?.mine) return undefined;
    const head = await tx
      .selectFrom('auditChain')
      .select(['position', 'hash', 'opTime'])
      .orderBy('position', 'desc')
      .limit(1)
      .executeTakeFirst();
    const last = await tx
      .selectFrom('auditAnchors')
      .select(['position', sql<boolean>`time <= ${every}`.as('old')])
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (!head || head.position === last?.position) return undefined;
    if (last && !last.old && head.position - last.position < everyRecords) return undefined;
    await tx.insertInto('auditAnchors').values({ position: head.position, hash: head.hash }).execute();
    return { position: head.position, hash: head.hash, op_time: head.opTime.toISOString() };
  });
  if (made === undefined) return undefined;
  log.info({ anchor: made }, 'audit chain anchored');
  if (url !== undefined) await post(url, made, log);
  return made;
}

async function post(url: string, body: Anchor, log: AnchorLog): Promise<void> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(postTimeoutMs),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    log.warn({ err: error, position: body.position }, 'the audit anchor could not be posted; it is in this log');
  }
}
