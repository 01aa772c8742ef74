import { sql } from 'kysely';
import type { Kysely } from 'kysely';

const statements = `
-- What stands on a line that has not ended, for those who watch. Shown only while the copy of its source stands where it
-- begins, so whoever moves that need not look here. Worth nothing after a crash, hence not logged.
create unlogged table task_partials (
  task_id bigint not null,
  source text not null,
  -- Of the source, where the line begins.
  position bigint not null,
  instance_id bigint,
  host text not null,
  step text not null,
  stream text not null,
  text text not null,
  primary key (task_id, source)
);

create function drop_task_partials() returns trigger language plpgsql as $$
begin
  delete from task_partials where task_id = new.id;
  return null;
end $$;
create trigger tasks_end after update of status on tasks for each row
  when (new.status <> 'running') execute function drop_task_partials();
`;

/** Lines that have not ended are shown. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db);
}
