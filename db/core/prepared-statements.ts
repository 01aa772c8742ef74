// A statement that PostgreSQL parses once per connection: the look-up of the caller, which every request runs, takes 0.45 ms
// of the server so, and 1.7 without a name. An audit record gains 0.15, a list less than its plan: they have no name.
import type { CompiledQuery, Kysely } from 'kysely';
import type { Database } from '../database.ts';

/**
 * Runs a query as a prepared statement. A name stands for one text, which names its columns: a prepared `select *` fails
 * once a migration, such as that of a newer version running alongside, adds a column.
 */
export async function executeNamed<Row>(
  db: Kysely<Database>,
  name: string,
  query: { compile(): CompiledQuery<Row> },
): Promise<Row[]> {
  const compiled = query.compile();
  // Kysely hands the text on as it is, and the driver takes a name beside it.
  const sql = { name, text: compiled.sql } as unknown as string;
  return (await db.executeQuery<Row>({ ...compiled, sql })).rows;
}
