// Slipway runs as a role that owns nothing: a compromised process can add audit records, but neither change them nor drop
// the triggers that protect them. Migrations run as the owner, who grants afterwards on all existing tables, so that new
// tables need no extra step. Only differences are granted or revoked, since a redundant GRANT still writes to the catalogue
// and blocks concurrent ones.
import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { connect } from './core/connect.ts';
import type { WarningLog } from './core/connect.ts';
import type { Database } from './database.ts';

interface Relation {
  name: string;
  isSequence: boolean;
  isPartition: boolean;
  held: string[];
}

const grantsLock = 7_301_003;
/** Counters, deleted once reported; all other tables named audit_… are append-only. */
const countedOnly = 'audit_refusals';

function wanted({ name, isSequence, isPartition }: Relation): readonly string[] {
  if (isSequence) return ['USAGE'];
  // Reached through its parent.
  if (isPartition) return [];
  if (name.startsWith('kysely_')) return ['SELECT'];
  if (name === 'write_probes') return ['SELECT', 'INSERT', 'TRUNCATE'];
  if (name.startsWith('audit_') && name !== countedOnly) return ['SELECT', 'INSERT'];
  return ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
}

/**
 * Grants `role` what a process of Slipway needs on every table, and revokes anything beyond that. `db` is the owner's;
 * idempotent.
 */
export async function grantToApplication(db: Kysely<Database>, role: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${grantsLock})`.execute(tx);
    await keepFromCreating(tx, role);
    for (const relation of await relations(tx, role)) await adjust(tx, role, relation);
  });
}

async function keepFromCreating(tx: Transaction<Database>, role: string): Promise<void> {
  const { rows } = await sql<{ database: string; schema: boolean; temporary: boolean }>`
    select current_database() as database, has_schema_privilege(${role}, 'public', 'create') as schema,
      has_database_privilege(${role}, current_database(), 'temporary') as temporary`.execute(tx);
  const [{ database, schema, temporary } = { database: '', schema: false, temporary: false }] = rows;
  await sql`grant usage on schema public to ${sql.id(role)}`.execute(tx);
  if (schema) await sql`revoke create on schema public from public, ${sql.id(role)}`.execute(tx);
  if (temporary) await sql`revoke temporary on database ${sql.id(database)} from public, ${sql.id(role)}`.execute(tx);
}

async function relations(tx: Transaction<Database>, role: string): Promise<Relation[]> {
  const { rows } = await sql<Relation>`
    select relname as name, relkind = 'S' as is_sequence, relispartition as is_partition,
      array(select privilege_type from aclexplode(relacl)
        where grantee = (select oid from pg_roles where rolname = ${role})) as held
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
    order by relname`.execute(tx);
  return rows;
}

async function adjust(tx: Transaction<Database>, role: string, relation: Relation): Promise<void> {
  const { name, isSequence, held } = relation;
  const rights = wanted(relation);
  const [missing, surplus] = [rights.filter((one) => !held.includes(one)), held.filter((one) => !rights.includes(one))];
  const object = sql`${sql.raw(isSequence ? 'sequence' : 'table')} ${sql.id(name)}`;
  const list = (privileges: readonly string[]) => sql.raw(privileges.join(', '));
  if (missing.length > 0) await sql`grant ${list(missing)} on ${object} to ${sql.id(role)}`.execute(tx);
  if (surplus.length > 0) await sql`revoke ${list(surplus)} on ${object} from ${sql.id(role)}`.execute(tx);
}

/** The role that `url` logs in as; a pooler may map the name in the URL to another. */
export const roleOf = (url: string): Promise<string> => asking(url, currentRole);

async function asking<T>(url: string, question: (db: Kysely<Database>) => Promise<T>): Promise<T> {
  const db = connect(url, { max: 1, applicationName: 'slipway-roles' });
  try {
    return await question(db);
  } finally {
    await db.destroy();
  }
}

/** The role of these connections. */
export async function currentRole(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ role: string }>`select current_user as role`.execute(db);
  return rows[0]?.role ?? '';
}

/** Warns if the role of `url` could change the audit log: as owner of the tables, or as superuser. */
export async function warnOfOwnership(url: string, log: WarningLog): Promise<void> {
  // Other checks report an unreachable database.
  const role = await asking(url, owningRole).catch(() => undefined);
  const advice = 'run as another role, and name this one in SLIPWAY_MIGRATE_DATABASE_URL for migrations only';
  if (role !== undefined) log.warn({ role }, `the audit tables are owned by the database role in use; ${advice}`);
}

async function owningRole(db: Kysely<Database>): Promise<string | undefined> {
  const { rows } = await sql<{ role: string }>`
    select current_user as role from pg_class
    where relname = 'audit_records' and relnamespace = 'public'::regnamespace
      and pg_has_role(current_user, relowner, 'usage')`.execute(db);
  return rows[0]?.role;
}
