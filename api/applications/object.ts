import type { Kysely } from 'kysely';
import { z } from 'zod';
import { applicationPermissions } from '../../db/access/permission-catalogue.ts';
import { actionsOn } from '../../db/access/rights.ts';
import type { SeenApplication, SeenSummary } from '../../db/applications/find.ts';
import { relationsOf } from '../../db/applications/relations.ts';
import type { Database } from '../../db/database.ts';
import type { Ctx } from '../operations/context.ts';
import { pendingCommands, presentPending } from './commands-object.ts';
import { actions, asFlags, iso, time } from '../operations/schemas.ts';

/** An application in lists. */
export const applicationSummary = z.object({
  id: z.int(),
  name: z.string(),
  full_name: z.string(),
  has_child: z.boolean(),
  production: z.int().nullable(),
  parent_app: z.int().nullable(),
  available_actions: actions(...applicationPermissions),
});

/** An application with all fields. */
export const applicationObject = applicationSummary.extend({
  description: z.string(),
  application_type: z.string(),
  run_user: z.string(),
  directory: z.string(),
  startup_cmd: z.string(),
  stop_cmd: z.string(),
  stdout_path: z.string(),
  stderr_path: z.string(),
  pid_path: z.string(),
  pending_commands: pendingCommands.nullable(),
  child_apps: z.array(z.int()),
  required_apps: z.array(z.int()),
  response_person: z.array(z.int()),
  creator: z.string(),
  created_time: time,
  updated_time: time,
});
export type ApplicationObject = z.output<typeof applicationObject>;

const idsOf = (rows: readonly { id: number }[]): number[] => [...new Set(rows.map((row) => row.id))];

const mayOn = ({ subject }: Ctx, { granted }: SeenSummary) =>
  asFlags(applicationPermissions, actionsOn(subject, 'application', granted));

const summary = (row: SeenSummary) => ({
  id: row.id,
  name: row.name,
  full_name: row.fullName,
  has_child: row.hasChild,
  production: row.productionId,
  parent_app: row.parentId,
});

/** Applications in list form, for this caller. */
export const presentSummaries = (rows: readonly SeenSummary[], ctx: Ctx) =>
  rows.map((row) => ({ ...summary(row), available_actions: mayOn(ctx, row) }));

/** Applications with all fields that this caller may view. */
export async function presentApplications(
  rows: readonly SeenApplication[],
  ctx: Ctx,
  db: Kysely<Database> = ctx.db,
): Promise<ApplicationObject[]> {
  const relations = await relationsOf(db, ctx.subject, idsOf(rows));
  return rows.map((row) => ({
    ...summary(row),
    description: row.description,
    application_type: row.applicationType,
    run_user: row.runUser,
    directory: row.directory,
    startup_cmd: row.startupCmd,
    stop_cmd: row.stopCmd,
    stdout_path: row.stdoutPath,
    stderr_path: row.stderrPath,
    pid_path: row.pidPath,
    pending_commands: presentPending(row),
    child_apps: relations.get(row.id)?.children ?? [],
    required_apps: relations.get(row.id)?.required ?? [],
    response_person: relations.get(row.id)?.responsePersons ?? [],
    creator: row.creator,
    created_time: iso(row.createdTime),
    updated_time: iso(row.updatedTime),
    available_actions: mayOn(ctx, row),
  }));
}
