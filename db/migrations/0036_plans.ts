import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- Why the package of a plan cannot be read; null: it was read, or the plan is from before this was kept.
alter table deploy_plans add column unread text;
-- The machine that the plan names for this instance; null: a task from before, or one without a plan.
alter table task_results add column machine jsonb;
-- A text that several instances share is kept with the first of them, whose position the others name.
alter table task_scripts alter column content drop not null, add column same_as integer,
  add constraint task_scripts_text check ((content is null) <> (same_as is null));
`;

/** Sub-tasks keep the machines of their plan; plans say whether their package was read. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
