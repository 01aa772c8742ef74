// Turns findings into hosts: a batch is one transaction with its hosts, grants and audit records, and marks the findings it
// took, so that a repetition resumes where the last one stopped.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { changeGrants } from '../access/grants.ts';
import { holds, loadSubject, scopes } from '../access/rights.ts';
import { record } from '../audit/record.ts';
import type { AuditEntry } from '../audit/record.ts';
import { quote } from '../audit/text.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { ipAddressIds } from '../hosts/find.ts';
import { fromParts } from '../core/row-batches.ts';
import type { FindingRow } from './tables.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const batch = 500;

/** Converts a name to a valid host name; clouds allow more. */
const asHostName = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9.-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .slice(0, 200)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');

/** Unique names: the machine's own, or with its id appended. */
async function namesFor(tx: Kysely<Database>, findings: readonly FindingRow[]): Promise<Map<number, string>> {
  const candidates = new Map(
    findings.map((one) => [
      one.id,
      [asHostName(one.name), asHostName(`${one.name}-${one.key}`)].filter((name) => name !== ''),
    ]),
  );
  const all = [...candidates.values()].flat().map((name) => name.toLowerCase());
  const rows = await tx
    .selectFrom('hosts')
    .select(({ fn }) => fn<string>('lower', ['name']).as('name'))
    .where(({ fn }) => fn<string>('lower', ['name']), 'in', all.length > 0 ? all : [''])
    .where('deletedTime', 'is', null)
    .execute();
  const taken = new Set(rows.map(({ name }) => name));
  const names = new Map<number, string>();
  for (const [id, options] of candidates) {
    const name = options.find((one) => !taken.has(one.toLowerCase()));
    if (name === undefined) continue;
    taken.add(name.toLowerCase());
    names.set(id, name);
  }
  return names;
}

const blankAddress = { owner: 'HOST', is_virtual: false, network: '', netmask: '' };

async function insertHosts(
  tx: Kysely<Database>,
  findings: readonly FindingRow[],
  names: Map<number, string>,
  by: Actor,
) {
  const free = await ipAddressIds(
    tx,
    findings.reduce((sum, one) => sum + one.addresses.length, 0),
  );
  const now = new Date();
  const admits = holds(await loadSubject(tx, by.id), 'manage_host');
  const rows = findings.map((one) => {
    const { hostType, providerId, minionId } = one;
    const name = names.get(one.id) ?? '';
    const ipAddress = json(one.addresses.map((at) => ({ ...blankAddress, id: free.shift(), ...at })));
    return {
      name,
      hostType,
      providerId,
      minionId,
      ipAddress,
      osStatus: one.osStatus,
      osType: one.osType,
      cpu: one.cpu,
      memory: one.memory,
      location: one.location,
      runner: 'salt' as const,
      creator: by.username,
      createdTime: now,
      updatedTime: now,
      admittedWay: admits
        ? sql<string>`host_way('salt', ${name}, ${minionId}, ${ipAddress}::jsonb, ${hostType}, ${providerId}, null)`
        : null,
    };
  });
  return fromParts(rows, (part) =>
    tx
      .insertInto('hosts')
      .values(part)
      .onConflict((on) => on.doNothing())
      .returning(['id', 'name', 'hostType', 'providerId'])
      .execute(),
  );
}

const added = ({ id, name }: { id: number; name: string }, importId: number): AuditEntry => ({
  view: 'host',
  area: 'hosts',
  opType: 'add',
  targetType: 'host',
  targetId: id,
  targetName: name,
  detail: auditText('host_found', { name: quote(name), id: importId }),
});

/** Grants the adopter all permissions, with one record per host: seven would be most of the work. */
async function grant(
  tx: Kysely<Database>,
  by: Actor,
  hosts: readonly { id: number; name: string }[],
): Promise<AuditEntry[]> {
  const { permissions } = scopes.host;
  const wanted = hosts.flatMap(({ id }) =>
    permissions.map((permission) => ({ objectId: id, permission, enable: true })),
  );
  await changeGrants(tx, { kind: 'user', id: by.id }, 'host', wanted);
  const names = permissions.join(', ');
  return hosts.map(({ id, name }) => ({
    view: 'resources',
    area: 'access',
    opType: 'enable',
    action: 'enable',
    targetType: 'host',
    targetId: id,
    targetName: name,
    authorizedTargetType: 'user',
    authorizedTargetName: by.username,
    detail: auditText('given_to_creator', { permission: names }),
  }));
}

/** Records for each finding its host, or the reason why there is none. */
async function mark(
  tx: Kysely<Database>,
  findings: readonly FindingRow[],
  names: ReadonlyMap<number, string>,
  hosts: readonly { id: number; name: string }[],
): Promise<void> {
  const hostOf = new Map(hosts.map(({ id, name }) => [name, id]));
  const became = findings.map(({ id }) => hostOf.get(names.get(id) ?? '') ?? null);
  await sql`update host_import_findings f set host_id = became.host_id,
      adopted_time = case when became.host_id is not null then now() end,
      note = case when became.host_id is null then 'a host with this name, id or minion is there already' end
    from unnest(${findings.map(({ id }) => id)}::bigint[], ${became}::bigint[]) as became (id, host_id)
    where f.id = became.id`.execute(tx);
}

async function adoptBatch(tx: Kysely<Database>, importId: number, all: boolean, by: Actor): Promise<number> {
  const findings = await tx
    .selectFrom('hostImportFindings')
    .selectAll()
    .where('importId', '=', importId)
    .where('difference', '=', 'new')
    .where('adoptedTime', 'is', null)
    .where('note', 'is', null)
    .$if(!all, (query) => query.where('wanted', '=', true))
    .orderBy('id')
    .limit(batch)
    .forUpdate()
    .execute();
  if (findings.length === 0) return 0;
  const names = await namesFor(tx, findings);
  const named = findings.filter(({ id }) => names.has(id));
  const hosts = named.length > 0 ? await insertHosts(tx, named, names, by) : [];
  await mark(tx, findings, names, hosts);
  await record(tx, by, [...hosts.map((host) => added(host, importId)), ...(await grant(tx, by, hosts))]);
  return findings.length;
}

/** Creates hosts from new findings: all, or the chosen ones. Idempotent. */
export async function adopt(db: Kysely<Database>, importId: number, all: boolean, by: Actor): Promise<void> {
  for (;;) {
    const count = await db.transaction().execute((tx) => adoptBatch(tx, importId, all, by));
    if (count === 0) return;
  }
}
