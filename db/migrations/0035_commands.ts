import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- The commands that count while those in the fields wait for somebody else's confirmation; null: the fields count.
alter table applications add column confirmed_commands jsonb, add column commands_by text[] not null default '{}';
-- What an instance was last deployed with; null: never deployed, or before this was kept.
alter table instances add column commands jsonb;
-- What an action on this instance runs with; null: as the task has it.
alter table task_results add column setup jsonb;

update instances set commands = jsonb_build_object(
  'deployPath', coalesce(own.deploy_path, template.deploy_path, applications.directory),
  'runUser', applications.run_user, 'startupCmd', applications.startup_cmd,
  'stopCmd', applications.stop_cmd, 'pidPath', applications.pid_path)
from applications
join deploy_settings as own on own.application_id = applications.id
left join deploy_templates as template on template.id = own.template_id
where applications.id = instances.application_id and instances.version is not null;
`;

/** Instances keep the commands that were approved with their version; changed ones wait for a confirmation. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
