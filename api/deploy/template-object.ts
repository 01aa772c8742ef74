import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import type { DeployTemplateRow } from '../../db/deploy/tables.ts';
import { linkedApplications } from '../../db/deploy/templates.ts';
import type { Ctx } from '../operations/context.ts';
import { iso, time } from '../operations/schemas.ts';
import { hooksObject, hooksPresenter, recordedHooks } from './hooks.ts';
import { repositoryObject, repositoryPresenter } from './repository.ts';

export const templateObject = z.object({
  id: z.int(),
  name: z.string(),
  enabled: z.boolean(),
  applications: z.array(z.int()),
  creator: z.string(),
  created_time: time,
  repository: repositoryObject,
  deploy_path: z.string(),
  timeout: z.int(),
  keep_backups: z.int(),
  lifecycle_hooks: hooksObject,
});
export type Template = z.input<typeof templateObject>;

/** Templates as this caller may view them, for a whole page at once. */
export async function presentTemplates(
  rows: readonly DeployTemplateRow[],
  { subject, ...ctx }: Pick<Ctx, 'subject' | 'db'>,
  db: Kysely<Database> = ctx.db,
): Promise<Template[]> {
  const ids = rows.map((row) => row.id);
  const linked = await linkedApplications(db, subject, ids);
  const applications = Map.groupBy(linked, (one) => one.templateId);
  const repository = await repositoryPresenter(
    db,
    rows.map((row) => row.repository),
  );
  const hooks = await hooksPresenter(
    db,
    rows.map((row) => row.lifecycleHooks),
  );
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    enabled: row.enabled,
    creator: row.creator,
    applications: (applications.get(row.id) ?? []).map((one) => one.applicationId),
    created_time: iso(row.createdTime),
    repository: repository(row.repository),
    deploy_path: row.deployPath,
    timeout: row.timeoutSeconds,
    keep_backups: row.keepBackups,
    lifecycle_hooks: hooks(row.lifecycleHooks),
  }));
}

/** A template for an audit record. */
export const recordedTemplate = ({ lifecycle_hooks: hooks, ...template }: Template): object => ({
  ...template,
  lifecycle_hooks: recordedHooks(hooks),
});
