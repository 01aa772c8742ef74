// A statement has at most 65,535 parameters; the driver writes what is left of a larger number, which PostgreSQL takes for a
// broken protocol. Rows of which there may be many go in by parts. (Lists of values go as one array each: snake-case.ts.)
import type { InsertObject, Kysely } from 'kysely';
import type { Database } from '../database.ts';

const mostParameters = 65_535;
// Larger statements are no faster, and the driver's memory for one grows with them.
const mostRows = 5_000;

/** Rows in parts that a statement each can take. They have the same columns. */
export function* inParts<Row extends object>(rows: readonly Row[]): Generator<Row[]> {
  const columns = Math.max(1, Object.keys(rows[0] ?? {}).length);
  const size = Math.min(mostRows, Math.floor(mostParameters / columns));
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

/** Inserts rows, however many; of none nothing is done. */
export async function insertRows<Table extends keyof Database>(
  db: Kysely<Database>,
  table: Table,
  rows: readonly InsertObject<Database, Table>[],
): Promise<void> {
  for (const part of inParts(rows)) await db.insertInto(table).values(part).execute();
}

/** What statements over the parts of rows return, in one list. */
export async function fromParts<Row extends object, Result>(
  rows: readonly Row[],
  statement: (part: Row[]) => Promise<Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const part of inParts(rows)) results.push(...(await statement(part)));
  return results;
}
