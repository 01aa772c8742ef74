// Substring search over hosts. Names and addresses differ mainly in numbers, for which a trigram index would read long
// lists; so hosts are looked up by number and label (migration 0022), and the candidates are then filtered.
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import { anywhere } from '../core/ilike.ts';

/** True for hosts whose name contains this, regardless of case. */
export function named(name: string): RawBuilder<SqlBool> {
  const searched = name.toLowerCase();
  const holds = sql<SqlBool>`hosts.searched_name like ${anywhere(searched)}`;
  // A number after a non-digit starts there in the name as well.
  const starts = searched.match(/(?<=[^0-9])[0-9]{3,}/g) ?? [];
  if (starts.length > 0) return tested(holds, sql`number_starts(hosts.searched_name) @> ${starts}`);
  const [number] = /^[0-9]{3,}/.exec(searched) ?? [];
  return number === undefined ? holds : tested(holds, sql`hosts.searched_name like ${anywhere(number)}`);
}

/** True for hosts with an address that contains this. */
export function atAddress(ip: string): RawBuilder<SqlBool> {
  // Substrings of an address never span two addresses of the list; other characters match nothing.
  if (!/^[0-9a-f.:]*$/i.test(ip)) return sql`false`;
  const searched = ip.toLowerCase().replaceAll('.', 'x').replaceAll(':', 'y');
  const holds = sql<SqlBool>`hosts.addresses like ${anywhere(searched)}`;
  const parts = addressParts(searched);
  return parts.length === 0 ? holds : tested(holds, sql`address_parts(hosts.addresses) @> ${parts}`);
}

/** The `address_parts` (migration 0022) of every address that contains this. */
function addressParts(searched: string): string[] {
  const labels = searched.split(/[xy]/);
  const pairs = labels.slice(1).flatMap((label, index) => {
    const before = labels[index];
    // The first label may be a suffix; those after a separator are whole.
    const end = index === 0 ? before : `x${before}`;
    return end === '' || label === '' ? [] : [`${end}x${label}`];
  });
  if (pairs.length === 0) return labels.filter(({ length }) => length >= 3);
  // A company's addresses share prefixes: the first label is unselective, but PostgreSQL would estimate it as rare.
  return pairs.length > 1 ? pairs.slice(1) : pairs;
}

/** `lookup` drives the index scan. `holds` is hidden from the planner, so that it is neither indexed nor estimated. */
const tested = (holds: RawBuilder<SqlBool>, lookup: RawBuilder<SqlBool>): RawBuilder<SqlBool> =>
  sql`coalesce(${holds}, false) and ${lookup}`;
