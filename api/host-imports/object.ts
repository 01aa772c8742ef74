import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { countFindings } from '../../db/host-imports/find.ts';
import type { FindingRow, HostImportRow } from '../../db/host-imports/tables.ts';
import { differences, importKinds, importStatuses, sources } from '../../workflows/host-imports/contract.ts';
import type { Difference } from '../../workflows/host-imports/contract.ts';
import { hostTypes, osStatuses } from '../../workflows/hosts/contract.ts';
import { iso, time } from '../operations/schemas.ts';

const count = z.int().nonnegative();
const source = z.enum(sources);

export const hostImport = z.object({
  id: z.int(),
  kind: z.enum(importKinds),
  sources: z.array(source),
  adopt: z.boolean(),
  status: z.enum(importStatuses),
  creator: z.string(),
  created_time: time,
  finished_time: time.nullable(),
  counts: z.object({ new: count, known: count, changed: count, missing: count, adopted: count }),
  errors: z.array(z.object({ source, message: z.string() })),
});
export type HostImport = z.output<typeof hostImport>;

/** Imports in API form, with their counts of findings. */
export async function presentImports(db: Kysely<Database>, rows: readonly HostImportRow[]): Promise<HostImport[]> {
  const ids = rows.map(({ id }) => id);
  const counted = await countFindings(db, ids);
  return rows.map((row) => {
    const own = counted.filter(({ importId }) => importId === row.id);
    const of = (difference: Difference) => own.find((one) => one.difference === difference)?.count ?? 0;
    const adopted = own.reduce((sum, one) => sum + one.adopted, 0);
    return {
      id: row.id,
      kind: row.kind,
      sources: row.sources,
      adopt: row.adopt,
      status: row.status,
      creator: row.creator,
      created_time: iso(row.createdTime),
      finished_time: iso(row.finishedTime),
      counts: { new: of('new'), known: of('known'), changed: of('changed'), missing: of('missing'), adopted },
      errors: row.errors,
    };
  });
}

export const finding = z.object({
  id: z.int(),
  difference: z.enum(differences),
  source,
  host_type: z.enum(hostTypes),
  provider_id: z.string().nullable(),
  account: z.string(),
  region: z.string(),
  name: z.string(),
  os_status: z.enum(osStatuses).nullable(),
  os_type: z.string(),
  cpu: z.int().nullable(),
  memory: z.int().nullable(),
  location: z.string(),
  ip_address: z.array(z.object({ address: z.string(), addr_type: z.enum(['PRIVATE', 'PUBLIC']) })),
  minion_id: z.string().nullable(),
  host_id: z.int().nullable(),
  changes: z.array(z.object({ field: z.string(), inventory: z.unknown(), provider: z.unknown() })),
  adopted_time: time.nullable(),
  note: z.string().nullable(),
});

/** A finding in API form; those not compared yet are not listed. */
export const presentFinding = (row: FindingRow): z.output<typeof finding> => ({
  id: row.id,
  difference: row.difference ?? 'new',
  source: row.source,
  host_type: row.hostType,
  provider_id: row.providerId,
  account: row.account,
  region: row.region,
  name: row.name,
  os_status: row.osStatus,
  os_type: row.osType,
  cpu: row.cpu,
  memory: row.memory,
  location: row.location,
  ip_address: row.addresses,
  minion_id: row.minionId,
  host_id: row.hostId,
  changes: Object.entries(row.changes).map(([field, [inventory, provider]]) => ({ field, inventory, provider })),
  adopted_time: iso(row.adoptedTime),
  note: row.note,
});
