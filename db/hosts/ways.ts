// Ensures one host row per machine. The way to a machine, as runners, providers and controllers use it, is computed by
// database functions, so that unique indexes and queries agree. With SLIPWAY_HOST_ADMISSION=manage no command runs on a host
// until a user with `manage_host` has admitted its current way.
import { sql } from 'kysely';
import type { Kysely, RawBuilder, SqlBool } from 'kysely';
import { Problem } from '../../workflows/problems/problem.ts';
import { isFolder } from '../../workflows/hosts/contract.ts';
import type { HostTaskKind, RunnerName } from '../../workflows/hosts/contract.ts';
import { holds, mayOnEach } from '../access/rights.ts';
import type { Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';

export type HostAdmission = 'manage' | 'open';

/** The way for commands and power of a row of `hosts`; null: it is a folder of the worker's machine. */
export const hostWay = sql<string | null>`host_way(hosts.runner, hosts.name, hosts.minion_id, hosts.ip_address,
  hosts.host_type, hosts.provider_id, hosts.ipmi)`;

/** Whether the current way of a row of `hosts` has been admitted. */
export const isAdmitted = sql<boolean>`(hosts.runner = 'local' or hosts.admitted_way is not distinct from ${hostWay})`;

/** The fields that determine the way to a row of `hosts`. */
export interface WantedWay {
  id: number;
  runner: RunnerName;
  name: string;
  minionId: string | null;
  addresses: readonly string[];
  hostType: string;
  providerId: string | null;
  ipmiAddress: string | null;
}

interface Owner {
  id: number;
  name: string;
  kind: 'machine' | 'provider' | 'address';
}

const waysLock = 0x736c_7779;

const asJson = (addresses: readonly string[]): string => JSON.stringify(addresses.map((address) => ({ address })));
const asIpmi = (address: string | null): string | null => address && JSON.stringify({ address });

/** The spellings in which an address may be listed. */
function spellings(address: string | undefined): string[] {
  if (address === undefined) return [];
  const inner = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!inner) {
    const mapped = `http://[::ffff:${address}]`;
    return URL.canParse(mapped) ? [address, new URL(mapped).hostname.slice(1, -1)] : [address];
  }
  const parts = inner.slice(1).map((part) => Number.parseInt(part, 16));
  return [address, parts.flatMap((part) => [part >> 8, part & 255]).join('.')];
}

/** Other hosts, not deleted, that this way leads to: by the fields used to reach them, or by a listed address. */
async function ownersOf(db: Kysely<Database>, wanted: WantedWay): Promise<Owner[]> {
  const { id, runner, name, minionId, addresses, hostType, providerId, ipmiAddress } = wanted;
  const { rows: ways } = await sql<{ runner: string | null; ipmi: string | null }>`
    select runner_way(${runner}, ${name}, ${minionId}, ${asJson(addresses)}::jsonb) as runner,
      ipmi_way(${asIpmi(ipmiAddress)}::jsonb) as ipmi`.execute(db);
  const way = ways[0] ?? { runner: null, ipmi: null };
  const listed = isFolder(runner) ? [] : spellings(addresses[0]);
  const other = sql`hosts.deleted_time is null and hosts.id <> ${id}`;
  const found = (kind: Owner['kind'], condition: RawBuilder<unknown>) =>
    sql`select hosts.id, hosts.name, ${sql.lit(kind)} as kind from hosts where ${other} and ${condition}`;
  const { rows } = await sql<Owner>`
    ${found('machine', sql`runner_way(hosts.runner, hosts.name, hosts.minion_id, hosts.ip_address) = ${way.runner}`)}
    union all ${found('machine', sql`ipmi_way(hosts.ipmi) = ${way.ipmi}`)}
    union all ${found('provider', sql`hosts.host_type = ${hostType} and hosts.provider_id = ${providerId}`)}
    union all (${found(
      'address',
      sql`hosts.runner <> 'local'
        and jsonb_path_query_array(hosts.ip_address, '$[*].address') ?| ${listed}::text[]`,
    )} limit 100)`.execute(db);
  return rows;
}

/**
 * Throws Problem if a way leads to another host's machine. A host whose name the caller may edit is named, and sharing only
 * a listed address with it is allowed; nothing is revealed about other hosts.
 */
export async function refuseForeignWay(tx: Kysely<Database>, subject: Subject, wanted: WantedWay): Promise<void> {
  await sql`select pg_advisory_xact_lock(${waysLock})`.execute(tx);
  const owners = await ownersOf(tx, wanted);
  if (owners.length === 0) return;
  const may = await mayOnEach(tx, subject, 'host', 'edit_host', [...new Set(owners.map(({ id }) => id))]);
  if (owners.some(({ id }) => may.get(id) !== 'yes')) throw new Problem('machine_not_available');
  const owner = owners.find(({ kind }) => kind !== 'address');
  if (owner?.kind === 'provider') throw new Problem('provider_id_taken', { id: wanted.providerId ?? '' });
  if (owner) throw new Problem('machine_taken', { host: owner.name });
}

/** Admits hosts by their current ways, if the caller may do so. */
export async function admitWays(tx: Kysely<Database>, subject: Subject, hostIds: readonly number[]): Promise<void> {
  if (hostIds.length === 0 || !holds(subject, 'manage_host')) return;
  await sql`update hosts set admitted_way = ${hostWay} where id = any(${hostIds}::bigint[])`.execute(tx);
}

/** The current way of a host. */
export async function wayOfHost(db: Kysely<Database>, hostId: number): Promise<string | null> {
  const row = await db.selectFrom('hosts').select(hostWay.as('way')).where('id', '=', hostId).executeTakeFirst();
  return row?.way ?? null;
}

/** Names of hosts among these that wait for admission, by id. */
export async function unadmittedHosts(
  db: Kysely<Database>,
  admission: HostAdmission,
  among: { hostIds: readonly number[] } | { instanceIds: readonly number[] } | { applicationId: number },
): Promise<Map<number, string>> {
  if (admission === 'open') return new Map();
  const rows = await db
    .selectFrom('hosts')
    .select(['hosts.id', 'hosts.name'])
    .where(sql<SqlBool>`not ${isAdmitted}`)
    .where(hostsAmong(among))
    .orderBy('hosts.id')
    .execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function hostsAmong(among: Parameters<typeof unadmittedHosts>[2]): RawBuilder<SqlBool> {
  if ('hostIds' in among) return sql`hosts.id = any(${among.hostIds}::bigint[])`;
  const of =
    'instanceIds' in among
      ? sql`instances.id = any(${among.instanceIds}::bigint[])`
      : sql`instances.application_id = ${among.applicationId}`;
  return sql`hosts.id in (select instances.host_id from instances where ${of})`;
}

/** Throws Problem if a host among these waits for admission. */
export async function refuseUnadmitted(...wanted: Parameters<typeof unadmittedHosts>): Promise<void> {
  const [first] = (await unadmittedHosts(...wanted)).values();
  if (first !== undefined) throw new Problem('host_not_admitted', { name: first });
}

/** Whether a host task accesses its machine; the others only change records in Slipway and monitoring. */
export function leadsToMachine(kind: HostTaskKind, opts: object): boolean {
  if (kind === 'change_zabbix_opts') return false;
  return kind !== 'change_status' || ('status' in opts && opts.status === 'inited');
}
