// Texts of hosts by any part of them. What tells machines apart are numbers and the labels of addresses, of which an index of
// trigrams would read long lists; so hosts are looked up by those (migration 0022), and what is found is tested.
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import { anywhere } from '../core/ilike.ts';

/** True of hosts whose name holds this, regardless of case. */
export function named(name: string): RawBuilder<SqlBool> {
  const searched = name.toLowerCase();
  const holds = sql<SqlBool>`hosts.searched_name like ${anywhere(searched)}`;
  // A number that follows something else begins there, in the name as well.
  const starts = searched.match(/(?<=[^0-9])[0-9]{3,}/g) ?? [];
  if (starts.length > 0) return tested(holds, sql`number_starts(hosts.searched_name) @> ${starts}`);
  const [number] = /^[0-9]{3,}/.exec(searched) ?? [];
  return number === undefined ? holds : tested(holds, sql`hosts.searched_name like ${anywhere(number)}`);
}

/** True of hosts of which one address holds this. */
export function atAddress(ip: string): RawBuilder<SqlBool> {
  // What an address may hold reaches over no end of one in their list; anything else is in none.
  if (!/^[0-9a-f.:]*$/i.test(ip)) return sql`false`;
  const searched = ip.toLowerCase().replaceAll('.', 'x').replaceAll(':', 'y');
  const holds = sql<SqlBool>`hosts.addresses like ${anywhere(searched)}`;
  const parts = addressParts(searched);
  return parts.length === 0 ? holds : tested(holds, sql`address_parts(hosts.addresses) @> ${parts}`);
}

/** What `address_parts` (migration 0022) has of every address that holds this. */
function addressParts(searched: string): string[] {
  const labels = searched.split(/[xy]/);
  const pairs = labels.slice(1).flatMap((label, index) => {
    const before = labels[index];
    // The first may be the end of one; whole are those behind a separator.
    const end = index === 0 ? before : `x${before}`;
    return end === '' || label === '' ? [] : [`${end}x${label}`];
  });
  if (pairs.length === 0) return labels.filter(({ length }) => length >= 3);
  // A company's addresses begin alike: the first says little, and PostgreSQL would reckon with it as if it were rare.
  return pairs.length > 1 ? pairs.slice(1) : pairs;
}

/** Looked up by the second: of the first, which follows from it nearly always, no index is asked, nor is it reckoned with. */
const tested = (holds: RawBuilder<SqlBool>, lookup: RawBuilder<SqlBool>): RawBuilder<SqlBool> =>
  sql`coalesce(${holds}, false) and ${lookup}`;
