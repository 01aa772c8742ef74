// Texts of hosts by any part of them. It is the numbers that tell machines apart: an index of trigrams reads a list of nearly
// all hosts for the rest of a name or an address, so it is asked for a telling part, and what it finds is tested.
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import { anywhere } from '../like.ts';

/** True of hosts whose name holds this, regardless of case. */
export const named = (name: string): RawBuilder<SqlBool> =>
  holding(sql`hosts.searched_name`, name.toLowerCase(), longestNumber(name));

/** True of hosts of which one address holds this. */
export function atAddress(ip: string): RawBuilder<SqlBool> {
  // What an address may hold reaches over no end of one in their list; anything else is in none.
  if (!/^[0-9a-f.:]*$/i.test(ip)) return sql`false`;
  const searched = ip.toLowerCase().replaceAll('.', 'x').replaceAll(':', 'y');
  const [lastTwo] = /[xy][0-9a-f]+[xy][0-9a-f]*$/.exec(searched) ?? [];
  return holding(sql`hosts.addresses`, searched, lastTwo);
}

function holding(column: RawBuilder<string>, text: string, telling: string | undefined): RawBuilder<SqlBool> {
  const whole = sql<SqlBool>`${column} like ${anywhere(text)}`;
  // No index is asked for what is compared with true.
  return telling === undefined ? whole : sql`(${whole}) is true and ${column} like ${anywhere(telling)}`;
}

const longestNumber = (name: string): string | undefined =>
  (name.match(/\d{3,}/g) ?? []).sort((a, b) => b.length - a.length)[0];
