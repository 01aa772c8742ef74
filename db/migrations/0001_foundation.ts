import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { access } from './foundation/access.ts';
import { audit } from './foundation/audit.ts';
import { deploy } from './foundation/deploy.ts';
import { inventory } from './foundation/inventory.ts';
import { plumbing } from './foundation/plumbing.ts';
import { tasks } from './foundation/tasks.ts';

/** The tables of the foundation: access, inventory, deploy, tasks with output, audit, outbox. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const parts = ['create extension if not exists pg_trgm;', access, inventory, deploy, tasks, plumbing, audit];
  for (const part of parts) await sql.raw(part).execute(db);
}
