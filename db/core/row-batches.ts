// A statement has at most 65,535 parameters; the driver sends a larger count modulo 2^16, which breaks the protocol. Long
// lists of rows are therefore inserted in batches. (Lists of values are one array parameter each: snake-case.ts.)
import type { InsertObject, Kysely } from 'kysely';
import type { Database } from '../database.ts';

const mostParameters = 65_535;
// Larger statements are no faster, and use more of the driver's memory.
const mostRows = 5_000;

/** Splits rows with the same columns into batches that fit one statement each. */
export function* inParts<Row extends object>(rows: readonly Row[]): Generator<Row[]> {
  const columns = Math.max(1, Object.keys(rows[0] ?? {}).length);
  const size = Math.min(mostRows, Math.floor(mostParameters / columns));
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

/** Inserts any number of rows; a no-op without rows. */
export async function insertRows<Table extends keyof Database>(
  db: Kysely<Database>,
  table: Table,
  rows: readonly InsertObject<Database, Table>[],
): Promise<void> {
  for (const part of inParts(rows)) await db.insertInto(table).values(part).execute();
}

/** Concatenates the results of a statement per batch. */
export async function fromParts<Row extends object, Result>(
  rows: readonly Row[],
  statement: (part: Row[]) => Promise<Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const part of inParts(rows)) results.push(...(await statement(part)));
  return results;
}
