import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- What a part of an address is looked up by. Of two labels that follow each other every end of the first (whole behind x) with
-- every beginning of the second, for what is asked for may cut a label at its ends only; of a label alone parts of three
-- digits and more, as most addresses have a shorter one. All separators are x.
create function address_parts(addresses text) returns text[]
  language plpgsql immutable strict parallel safe cost 10 as $$
declare
  parts text[] := '{}';
  address text;
  label text;
  label_before text;
begin
  -- A list in JSON, with letters for the separators already.
  foreach address in array string_to_array(translate(addresses, 'y[]" ', 'x'), ',') loop
    label_before := null;
    foreach label in array string_to_array(address, 'x') loop
      for place in 1 .. length(label) - 2 loop
        for size in 3 .. length(label) - place + 1 loop
          parts := parts || substr(label, place, size);
        end loop;
      end loop;
      for place in 1 .. coalesce(length(label_before), 0) loop
        for size in 1 .. length(label) loop
          parts := parts || (substr(label_before, place) || 'x' || left(label, size));
        end loop;
      end loop;
      label_before := 'x' || label;
    end loop;
  end loop;
  return parts;
end $$;

-- What the numbers of a name begin with: three digits and more.
create function number_starts(name text) returns text[]
  language plpgsql immutable strict parallel safe cost 10 as $$
declare
  starts text[] := '{}';
  number text;
begin
  foreach number in array regexp_split_to_array(name, '[^0-9]+') loop
    for size in 3 .. length(number) loop
      starts := starts || left(number, size);
    end loop;
  end loop;
  return starts;
end $$;

-- Whole, with the few hosts that were deleted: of an index of some rows PostgreSQL doesn't use what it knows of its values.
create index hosts_address_parts on hosts using gin (address_parts(addresses));
create index hosts_number_starts on hosts using gin (number_starts(searched_name));
drop index hosts_address_search;
`;

/** Hosts are found by the labels of their addresses and the numbers of their names. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
