// Compares the findings of sources with the inventory in a few set-based statements: machines are matched by their id at the
// provider, else (added by hand, or a minion) by name or address.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Found, ImportStatus, Source } from '../../workflows/host-imports/contract.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { inParts } from '../core/row-batches.ts';

/** Stores a page of a source's machines, idempotently. */
export async function keepFindings(
  db: Kysely<Database>,
  importId: number,
  source: Source,
  found: readonly Found[],
): Promise<void> {
  const rows = found.map(({ addresses, ...one }) => ({
    ...one,
    importId,
    source,
    addresses: json(addresses),
    difference: null,
    hostId: null,
    adoptedTime: null,
    note: null,
  }));
  for (const part of inParts(rows))
    await db
      .insertInto('hostImportFindings')
      .values(part)
      .onConflict((on) => on.columns(['importId', 'hostType', 'key']).doNothing())
      .execute();
}

/** Records that a source could not be read. */
export async function keepSourceError(db: Kysely<Database>, importId: number, source: Source, message: string) {
  await sql`update host_imports set errors = errors || ${json([{ source, message }])}::jsonb
    where id = ${importId} and not errors @> ${json([{ source }])}::jsonb`.execute(db);
}

const addressesOf = (row: string) =>
  sql.raw(`array(select a ->> 'address' from jsonb_array_elements(${row}) a order by 1)`);
const ownAddresses = sql.raw(`array(select a ->> 'address' from jsonb_array_elements(h.ip_address) a
  where a ->> 'owner' = 'HOST' and not (a ->> 'is_virtual')::boolean order by 1)`);

/** Merges machines that are also minions into one finding. */
async function mergeMinions(tx: Kysely<Database>, importId: number): Promise<void> {
  const matches = sql`s.import_id = ${importId} and s.source = 'SALT' and f.import_id = ${importId} and f.source <> 'SALT'
    and (lower(f.name) in (lower(s.key), split_part(lower(s.key), '.', 1))
      or ${addressesOf('f.addresses')} && ${addressesOf('s.addresses')})`;
  await sql`update host_import_findings f set minion_id = s.key from host_import_findings s where ${matches}`.execute(
    tx,
  );
  await sql`delete from host_import_findings s where s.import_id = ${importId} and s.source = 'SALT' and exists (
    select from host_import_findings f where f.import_id = ${importId} and f.source <> 'SALT' and f.minion_id = s.key)`.execute(
    tx,
  );
}

const live = sql.raw('h.deleted_time is null');

async function findHosts(tx: Kysely<Database>, importId: number): Promise<void> {
  const open = sql`f.import_id = ${importId} and f.host_id is null and ${live}`;
  await sql`update host_import_findings f set host_id = h.id from hosts h
    where ${open} and h.host_type = f.host_type and h.provider_id = f.provider_id`.execute(tx);
  await sql`update host_import_findings f set host_id = h.id from hosts h
    where ${open} and f.source <> 'SALT' and h.host_type = f.host_type and h.provider_id is null
    and lower(h.name) = lower(f.name)`.execute(tx);
  await sql`update host_import_findings f set host_id = h.id from hosts h
    where ${open} and f.source = 'SALT'
    and (coalesce(h.minion_id, h.name) = f.key or ${addressesOf('h.ip_address')} && ${addressesOf('f.addresses')})`.execute(
    tx,
  );
}

const differs = (field: string, ours: string, theirs: string, known: string) =>
  sql.raw(`'${field}', case when ${known} and ${theirs} is distinct from ${ours}
    then jsonb_build_array(${ours}, ${theirs}) end`);

async function compareFields(tx: Kysely<Database>, importId: number): Promise<void> {
  const fields = [
    differs('provider_id', 'h.provider_id', 'f.provider_id', 'f.provider_id is not null'),
    differs('os_status', 'h.os_status', 'f.os_status', 'f.os_status is not null'),
    differs('cpu', 'h.cpu', 'f.cpu', 'f.cpu is not null'),
    differs('memory', 'h.memory', 'f.memory', 'f.memory is not null'),
    differs('location', 'h.location', 'f.location', "f.location <> ''"),
  ];
  await sql`update host_import_findings f set changes = jsonb_strip_nulls(jsonb_build_object(${sql.join(fields)},
      'ip_address', case when f.addresses <> '[]' and ${ownAddresses} <> ${addressesOf('f.addresses')}
        then jsonb_build_array(to_jsonb(${ownAddresses}), to_jsonb(${addressesOf('f.addresses')})) end))
    from hosts h where f.import_id = ${importId} and f.source <> 'SALT' and h.id = f.host_id`.execute(tx);
  await sql`update host_import_findings set difference =
      case when host_id is null then 'new' when changes = '{}' then 'known' else 'changed' end
    where import_id = ${importId} and difference is null`.execute(tx);
}

async function addMissing(tx: Kysely<Database>, importId: number): Promise<void> {
  await sql`insert into host_import_findings
      (import_id, source, host_type, key, provider_id, name, os_status, os_type, cpu, memory, location, addresses,
       difference, host_id)
    select i.id, h.host_type, h.host_type, h.provider_id, h.provider_id, h.name, h.os_status, h.os_type, h.cpu, h.memory,
      h.location, '[]', 'missing', h.id
    from host_imports i join hosts h on i.sources ? h.host_type and ${live} and h.provider_id is not null
    where i.id = ${importId} and not i.errors @> jsonb_build_array(jsonb_build_object('source', h.host_type))
    on conflict (import_id, host_type, key) do nothing`.execute(tx);
}

/** Records how each finding differs from the inventory, and adds hosts missing from the sources; once. */
export async function compare(db: Kysely<Database>, importId: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('hostImports')
      .select('kind')
      .where('id', '=', importId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    await mergeMinions(tx, importId);
    await findHosts(tx, importId);
    await compareFields(tx, importId);
    await addMissing(tx, importId);
    if (row.kind === 'import') return;
    // A synchronisation is about drift only.
    const drift = ['changed', 'missing'] as const;
    await tx
      .deleteFrom('hostImportFindings')
      .where('importId', '=', importId)
      .where('difference', 'not in', drift)
      .execute();
  });
}

/** Ends an import: failed if no source could be read, or with an error. */
export async function settle(db: Kysely<Database>, importId: number, error: string | null): Promise<ImportStatus> {
  const { rows } = await sql<{ status: ImportStatus }>`update host_imports set finished_time = now(), status =
      case when ${error}::text is not null or jsonb_array_length(errors) >= jsonb_array_length(sources)
        then 'failed' else 'finished' end
    where id = ${importId} returning status`.execute(db);
  return rows[0]?.status ?? 'failed';
}
