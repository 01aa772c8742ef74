// Appends committed records to the chain, one sealer at a time (advisory lock). Sealing inside the changes' transactions
// would serialise every write of the system. Ids do not follow commit order: a record with a smaller id may appear after a
// larger one was sealed, so each round rescans from `floor`, below which nothing can appear.
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { insertRows } from '../core/row-batches.ts';
import { genesisHash, linkHash, sealerLock } from './chain.ts';
import type { AuditRecordRow } from './tables.ts';

/** The last link of the chain; position 0 and 64 zeros when there is none. */
export interface ChainHead {
  position: number;
  hash: string;
}

/** Seals committed records; keeps the floor of its scans, so one object serves a process. */
interface Sealer {
  /** Returns how many records it sealed; 0 also when another process is sealing. */
  seal(): Promise<number>;
}

// All ids up to `id` were drawn before transaction `xmax` began; when every older transaction has ended, each of them
// has its record visible or never will. A transaction gets its number a moment after it drew the id, hence the wait.
interface Mark {
  id: number;
  xmax: string;
  time: number;
}

interface SealerOptions {
  /** Between rounds that look through everything above the floor; default 20 s. */
  thoroughEveryMs?: number;
  /** How many ids before the mark the other rounds look back; default 10,000. */
  lookBack?: number;
}

const batchSize = 1_000;

/** A sealer that looks through the whole table in its first round. */
export function createSealer(
  db: Kysely<Database>,
  { thoroughEveryMs = 20_000, lookBack = 10_000 }: SealerOptions = {},
): Sealer {
  let floor = 0;
  let mark: Mark | undefined;
  const thorough = async (): Promise<number | undefined> => {
    const settled = mark && (await haveEnded(db, mark.xmax)) ? mark.id : undefined;
    const next =
      mark === undefined || settled !== undefined ? await takeMark(db) : { ...mark, time: performance.now() };
    const sealed = await sealFrom(db, floor);
    if (sealed === undefined) return undefined;
    floor = settled ?? floor;
    mark = next;
    return sealed;
  };
  return {
    seal: async () => {
      const due = mark === undefined || performance.now() - mark.time >= thoroughEveryMs;
      const sealed = due ? await thorough() : await sealFrom(db, Math.max(floor, (mark?.id ?? 0) - lookBack));
      return sealed ?? 0;
    },
  };
}

async function haveEnded(db: Kysely<Database>, xmax: string): Promise<boolean> {
  const { rows } = await sql<{ ended: boolean }>`
    select pg_snapshot_xmin(pg_current_snapshot()) >= ${xmax}::xid8 as ended`.execute(db);
  return rows[0]?.ended ?? false;
}

async function takeMark(db: Kysely<Database>): Promise<Mark> {
  const { rows } = await sql<{ id: number | null; xmax: string }>`
    select (select max(id) from audit_records) as id, pg_snapshot_xmax(pg_current_snapshot())::text as xmax`.execute(
    db,
  );
  return { id: rows[0]?.id ?? 0, xmax: rows[0]?.xmax ?? '0', time: performance.now() };
}

// Batch after batch; undefined when another process holds the lock. Within one go the ids only rise: what appears behind
// is found by the next.
async function sealFrom(db: Kysely<Database>, floor: number): Promise<number | undefined> {
  let sealed = 0;
  for (let after = floor; ;) {
    const batch = await db.transaction().execute((tx) => sealBatch(tx, after));
    if (batch === undefined) return undefined;
    sealed += batch.length;
    after = batch.at(-1)?.id ?? after;
    if (batch.length < batchSize) return sealed;
  }
}

async function sealBatch(tx: Transaction<Database>, after: number): Promise<AuditRecordRow[] | undefined> {
  const { rows } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${sealerLock}) as mine`.execute(tx);
  if (!rows[0]?.mine) return undefined;
  const batch = await unsealed(tx, after);
  if (batch.length === 0) return batch;
  let { position, hash } = await chainHead(tx);
  const links = batch.map((record) => {
    const prevHash = hash;
    position += 1;
    hash = linkHash(prevHash, record, position);
    return { position, recordId: record.id, opTime: record.opTime, prevHash, hash };
  });
  await insertRows(tx, 'auditChain', links);
  return batch;
}

function unsealed(tx: Transaction<Database>, after: number): Promise<AuditRecordRow[]> {
  return tx
    .selectFrom('auditRecords as record')
    .selectAll()
    .where('record.id', '>', after)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('auditChain').select('position').whereRef('recordId', '=', 'record.id'))),
    )
    .orderBy('record.id')
    .limit(batchSize)
    .execute();
}

/** The head of the chain as `db` sees it. */
export async function chainHead(db: Kysely<Database>): Promise<ChainHead> {
  const head = await db
    .selectFrom('auditChain')
    .select(['position', 'hash'])
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return head ?? { position: 0, hash: genesisHash };
}
