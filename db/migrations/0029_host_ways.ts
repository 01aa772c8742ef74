// A machine is one host row: what runners, providers and controllers would use to reach it is unique over undeleted hosts, by
// an index over what they would use. Rows that share a way already are told, and the migration stops: which of them is the
// machine's is for people to say.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const functions = `
-- Their bodies are bound when they are made: indexes are written with an empty search path. One spelling of an address: IPv4 inside IPv6 is the IPv4 address, letters of names do not count.
create function canonical_address(address text) returns text
  language plpgsql immutable strict parallel safe as $$
begin
  return regexp_replace(host(address::inet), '^::ffff:(\\d+\\.\\d+\\.\\d+\\.\\d+)$', '\\1');
exception when others then
  return lower(rtrim(address, '.'));
end $$;

-- What the runner of a host reaches it by (one port serves all hosts of SSH); null: a folder of the worker's machine.
create function runner_way(runner text, name text, minion_id text, ip_address jsonb) returns text
  language sql immutable parallel safe
  return case runner
    when 'ssh' then 'ssh ' || canonical_address(coalesce(ip_address -> 0 ->> 'address', name))
    when 'salt' then 'salt ' || lower(coalesce(minion_id, name))
  end;

create function ipmi_way(ipmi jsonb) returns text
  language sql immutable parallel safe
  return 'ipmi ' || canonical_address(ipmi ->> 'address');

-- Whatever commands and power go by; a minion is installed over SSH at the first address of its host.
create function host_way(runner text, name text, minion_id text, ip_address jsonb, host_type text, provider_id text, ipmi jsonb)
  returns text language sql immutable parallel safe
  return case when runner <> 'local' then concat_ws(', ',
    runner_way(runner, name, minion_id, ip_address),
    case when runner = 'salt' then 'address ' || canonical_address(ip_address -> 0 ->> 'address') end,
    host_type || ' ' || provider_id,
    ipmi_way(ipmi))
  end;
`;

interface Shared {
  way: string;
  hosts: string;
}

/** Ways that several undeleted hosts have, with those hosts in words. */
async function sharedWays(db: Kysely<unknown>): Promise<Shared[]> {
  const { rows } = await sql<Shared>`
    select way, string_agg(format('"%s" (id %s)', name, id), ', ' order by id) as hosts
    from hosts cross join lateral (
      values (runner_way(runner, name, minion_id, ip_address)), (ipmi_way(ipmi))) as ways (way)
    where deleted_time is null and way is not null
    group by way having count(*) > 1 order by way`.execute(db);
  return rows;
}

const indexes = `
create unique index hosts_runner_way on hosts (runner_way(runner, name, minion_id, ip_address)) where deleted_time is null;
create unique index hosts_ipmi_way on hosts (ipmi_way(ipmi)) where deleted_time is null;
-- The addresses that a host lists, of which its runner uses the first at most.
create index hosts_listed_addresses on hosts using gin (jsonb_path_query_array(ip_address, '$[*].address'))
  where deleted_time is null;

-- The way that somebody with manage_host has admitted; with another one the host waits.
alter table hosts add column admitted_way text;
update hosts set admitted_way = host_way(runner, name, minion_id, ip_address, host_type, provider_id, ipmi);
`;

/** A machine's way belongs to one host; the hosts that are there are admitted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(functions).execute(db);
  const shared = await sharedWays(db);
  if (shared.length > 0) {
    const list = shared.map(({ way, hosts }) => `  ${way}: hosts ${hosts}`).join('\n');
    throw new Error(
      `A machine may be one host only, and these undeleted hosts lead to the same one:\n${list}\n` +
        'Nothing was changed. Decide which of them is the machine, change the way of the others or delete them ' +
        '(PATCH or DELETE /hosts/{id}/ with the former release, or in the database: ' +
        'update hosts set deleted_time = now() where id = …), and migrate again.',
    );
  }
  await sql.raw(indexes).execute(db);
}
