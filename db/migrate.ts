// Forward only. Each migration commits separately with its row in kysely_migration, under an advisory lock on which a second
// migrator waits; so concurrent runs are safe, and an interrupted run resumes.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { configFromEnvironment } from '../kit/config/config.ts';
import { ensureAdmin } from './access/first-admin.ts';
import { connect } from './core/connect.ts';
import type { Database } from './database.ts';
import { migrations } from './migrations/index.ts';
import { currentRole, grantToApplication, roleOf } from './database-grants.ts';

// Numbers are assigned when work begins: a migration merged later may have a smaller number, and still runs.
const migrator = (db: Kysely<Database>): Migrator =>
  new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    allowUnorderedMigrations: true,
  });

/** Applies the pending migrations and returns their names; throws the error of the first that fails. */
export function migrate(db: Kysely<Database>): Promise<string[]> {
  return db.connection().execute(async (connection) => {
    await sql`set statement_timeout = 0`.execute(connection);
    try {
      return await applyEach(migrator(connection));
    } finally {
      await sql`reset statement_timeout`.execute(connection);
    }
  });
}

async function applyEach(one: Migrator): Promise<string[]> {
  const applied: string[] = [];
  for (;;) {
    const { error, results = [] } = await one.migrateUp();
    if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
    if (results.length === 0) return applied;
    applied.push(...results.map(({ migrationName }) => migrationName));
  }
}

/**
 * Migrates as the owner (`db`), then grants the role of `applicationUrl` the rights it needs, unless it is the owner
 * itself. Returns the names of the applied migrations.
 */
export async function migrateFor(db: Kysely<Database>, applicationUrl: string): Promise<string[]> {
  const applied = await migrate(db);
  const role = await roleOf(applicationUrl);
  if (role !== (await currentRole(db))) await grantToApplication(db, role);
  return applied;
}

/** Names of the migrations that are not applied yet. */
export async function migrationsPending(db: Kysely<Database>): Promise<string[]> {
  const known = await migrator(db).getMigrations();
  return known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
}

async function main(): Promise<void> {
  const { databaseUrl, migrateDatabaseUrl, adminPassword, passwordWords } = configFromEnvironment();
  if (databaseUrl === undefined)
    throw new Error('DATABASE_URL is not set; the embedded database migrates itself at its start');
  const db = connect(migrateDatabaseUrl ?? databaseUrl, {
    max: 1,
    applicationName: 'slipway-migrate',
    queryTimeoutMs: 0,
  });
  try {
    const applied = await migrateFor(db, databaseUrl);
    process.stdout.write(applied.length === 0 ? 'nothing to migrate\n' : `${applied.join('\n')}\n`);
    const generated = await ensureAdmin(db, { password: adminPassword, words: passwordWords });
    if (generated !== undefined)
      process.stdout.write(`password of admin for his first login, shown this once: ${generated}\n`);
  } finally {
    await db.destroy();
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
