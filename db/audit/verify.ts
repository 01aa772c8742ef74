// Recomputes the chain. Records and links are read in batches by position; a record missing where its link says is looked up
// by id alone, to distinguish a changed time from a deletion.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { genesisHash, linkHash } from './chain.ts';
import { chainHead } from './seal.ts';
import type { ChainHead } from './seal.ts';
import { loadRecords, positionsOf, unsealedIn } from './verify-queries.ts';
import type { Link } from './verify-queries.ts';

type VerificationReason = 'hash_mismatch' | 'broken_link' | 'gap' | 'missing_record' | 'anchor_mismatch';

/** The result of a verification, as the API returns it. */
export interface Verification {
  ok: boolean;
  checked: number;
  from_id: number;
  to_id: number;
  /** Where the next call goes on, when this one ended at its limit. */
  next_id: number | null;
  first_bad: { id: number; reason: VerificationReason } | null;
  head: ChainHead;
  /** Records not in the chain yet; one older than 60 s makes the verification fail. */
  unsealed: number;
  anchors_checked: number;
}

interface VerificationRange {
  fromId?: number | undefined;
  toId?: number | undefined;
  /** At most this many records; default and most a million. */
  limit?: number;
}

const mostRecords = 1_000_000;
// Hashing a batch holds up whatever else the process answers: about 15 ms with this many.
const batchSize = 500;

/** Verifies the links of the records `fromId` (default 1) to `toId` (default the head's), and the anchors among them. */
export async function verify(db: Kysely<Database>, range: VerificationRange = {}): Promise<Verification> {
  const fromId = range.fromId ?? 1;
  const head = await chainHead(db);
  const { first, last } = await positionsOf(db, fromId, range.toId, head);
  const end = Math.min(last, first + Math.min(range.limit ?? mostRecords, mostRecords) - 1);
  const walked = await walk(db, first, end);
  const rest = end < last ? await linkAt(db, end + 1) : undefined;
  // Anchors beyond the head mean that the end of the chain was cut off.
  const lost = walked.bad || rest ? undefined : await anchorBeyond(db, head.position);
  const bad = walked.bad ?? (lost ? { id: walked.lastId, reason: 'anchor_mismatch' as const } : null);
  const unsealed = await unsealedIn(db, fromId, range.toId);
  return {
    ok: bad === null && !unsealed.overdue,
    checked: walked.checked,
    from_id: fromId,
    to_id: rest || range.toId === undefined ? walked.lastId : range.toId,
    next_id: bad === null ? (rest?.recordId ?? null) : null,
    first_bad: bad,
    head,
    unsealed: unsealed.count,
    anchors_checked: walked.anchors + (lost ? 1 : 0),
  };
}

interface Walk {
  checked: number;
  anchors: number;
  lastId: number;
  bad: Verification['first_bad'];
}

async function walk(db: Kysely<Database>, first: number, end: number): Promise<Walk> {
  const before = first > 1 ? await linkAt(db, first - 1) : undefined;
  const state = { checked: 0, anchors: 0, lastId: before?.recordId ?? 0, bad: null as Walk['bad'] };
  let previous = first > 1 ? before?.hash : genesisHash;
  for (let position = first; position <= end && state.bad === null; position += batchSize) {
    const until = Math.min(position + batchSize - 1, end);
    const batch = await checkBatch(db, position, until, previous);
    state.checked += batch.checked;
    state.anchors += batch.anchors;
    state.lastId = batch.lastId || state.lastId;
    state.bad = batch.bad && { ...batch.bad, id: batch.bad.id || state.lastId };
    previous = batch.hash;
  }
  return state;
}

// `previous` is undefined when the link before the first is gone: then the first cannot be right either.
async function checkBatch(db: Kysely<Database>, from: number, until: number, previous: string | undefined) {
  const links = await db
    .selectFrom('auditChain')
    .selectAll()
    .where('position', '>=', from)
    .where('position', '<=', until)
    .orderBy('position')
    .execute();
  const records = await loadRecords(db, links);
  const anchors = await anchorsAmong(db, from, until);
  const result = { checked: 0, anchors: 0, lastId: 0, hash: previous, bad: null as Walk['bad'] };
  const ends = (id: number, reason: VerificationReason) => ({ ...result, bad: { id, reason } });
  for (const [index, link] of links.entries()) {
    if (link.position !== from + index || result.hash === undefined) return ends(link.recordId, 'gap');
    if (link.prevHash !== result.hash) return ends(link.recordId, 'broken_link');
    const record = records.get(link.recordId);
    if (record === undefined) return ends(link.recordId, 'missing_record');
    if (linkHash(link.prevHash, record, link.position) !== link.hash) return ends(link.recordId, 'hash_mismatch');
    const anchored = anchors.get(link.position) ?? [];
    result.anchors += anchored.length;
    if (anchored.some((hash) => hash !== link.hash)) return ends(link.recordId, 'anchor_mismatch');
    result.checked += 1;
    result.lastId = link.recordId;
    result.hash = link.hash;
  }
  return links.length === until - from + 1 ? result : ends(0, 'gap');
}

async function anchorsAmong(db: Kysely<Database>, from: number, until: number): Promise<Map<number, string[]>> {
  const rows = await db
    .selectFrom('auditAnchors')
    .select(['position', 'hash'])
    .where('position', '>=', from)
    .where('position', '<=', until)
    .execute();
  const hashes = new Map<number, string[]>();
  for (const { position, hash } of rows) hashes.set(position, [...(hashes.get(position) ?? []), hash]);
  return hashes;
}

const linkAt = (db: Kysely<Database>, position: number): Promise<Link | undefined> =>
  db.selectFrom('auditChain').selectAll().where('position', '=', position).executeTakeFirst();

async function anchorBeyond(db: Kysely<Database>, position: number): Promise<boolean> {
  const found = await db
    .selectFrom('auditAnchors')
    .select(sql<number>`1`.as('one'))
    .where('position', '>', position)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
