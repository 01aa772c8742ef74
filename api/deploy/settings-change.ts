// All changes of deploy settings go through here: applications are locked in id order, and each one whose settings change
// is audited and gets the caller as its creator.
import { diff } from '../../db/audit/changes.ts';
import type { AuditChanges } from '../../db/audit/tables.ts';
import { quote } from '../../db/audit/text.ts';
import { json } from '../../db/core/jsonb.ts';
import { refuseSharedPlaces } from '../../db/deploy/places.ts';
import { inlinePurpose } from '../../db/deploy/repository.ts';
import { settingsInForce, settingsOfEach } from '../../db/deploy/settings.ts';
import { applicationEntry, type NamedApplication } from '../applications/text.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { notFound } from '../operations/permissions.ts';
import { resealed } from './repository.ts';
import { presentSettings, recordedSettings } from './settings-object.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Problems that refuse a change of a deploy path. */
export const placeProblems = ['deploy_path_of', 'deploy_path_taken'] as const;

function settingsEntry(of: NamedApplication, changes: AuditChanges) {
  const name = quote(of.fullName);
  const fields = Object.entries(changes)
    .map(([field, [before, after]]) => `${field}: ${quote(JSON.stringify(before))} → ${quote(JSON.stringify(after))}`)
    .join('; ');
  const detail = auditText('settings_changed', { name, fields });
  return applicationEntry('change_deploy_setting', of, detail, changes);
}

async function lockApplications({ tx }: ChangeCtx, ids: readonly number[]): Promise<NamedApplication[]> {
  const rows = await tx
    .selectFrom('applications')
    .where('id', 'in', ids)
    .where('deletedTime', 'is', null)
    .select(['id', 'fullName'])
    .orderBy('id')
    .forUpdate()
    .execute();
  if (rows.length < ids.length) throw notFound();
  return rows;
}

/** Changes the settings of these applications and audits it; `more` is added to every audit record. */
export async function changeSettingsOf(
  ctx: ChangeCtx,
  ids: readonly number[],
  work: () => Promise<unknown>,
  more: AuditChanges = {},
): Promise<void> {
  if (ids.length === 0) return;
  const applications = await lockApplications(ctx, ids);
  const before = await presentSettings(ctx.tx, ids);
  await work();
  const after = await presentSettings(ctx.tx, ids);
  const moved = ids.filter((one) => before.get(one)?.deploy_path !== after.get(one)?.deploy_path);
  await refuseSharedPlaces(ctx.tx, ctx.subject, { applicationIds: moved });
  const changed: number[] = [];
  for (const of of applications) {
    const [was, is] = [before.get(of.id), after.get(of.id)];
    const changes = { ...(was && is && diff(recordedSettings(was), recordedSettings(is))), ...more };
    if (Object.keys(changes).length === 0) continue;
    changed.push(of.id);
    ctx.audit(settingsEntry(of, changes));
  }
  const creator = ctx.actor.user.username;
  if (changed.length > 0)
    await ctx.tx.updateTable('deploySettings').where('applicationId', 'in', changed).set({ creator }).execute();
}

const nothingOwn = {
  repository: null,
  deployPath: null,
  timeoutSeconds: null,
  keepBackups: null,
  lifecycleHooks: '{}',
};

/** Links applications to a template; own values of fields that it provides are dropped. Templates are locked. */
export const linkSettings = (ctx: ChangeCtx, templateId: number, ids: readonly number[]): Promise<void> =>
  changeSettingsOf(ctx, ids, () =>
    ctx.tx
      .updateTable('deploySettings')
      .where('applicationId', 'in', ids)
      .set({ ...nothingOwn, templateId })
      .execute(),
  );

/** Unlinks applications from their templates; effective values become their own. Templates are locked. */
export const unlinkSettings = (ctx: ChangeCtx, ids: readonly number[]): Promise<void> =>
  changeSettingsOf(ctx, ids, async () => {
    for (const row of await settingsOfEach(ctx.tx, ids)) {
      const inForce = settingsInForce(row, row);
      const own = inlinePurpose.settings(row.applicationId);
      const repository = resealed(ctx, inForce.repository, inForce.repositoryPurpose, own);
      const { deployPath, timeoutSeconds, keepBackups, hooks } = inForce;
      await ctx.tx
        .updateTable('deploySettings')
        .where('applicationId', '=', row.applicationId)
        .set({ templateId: null, deployPath, timeoutSeconds, keepBackups, lifecycleHooks: json(hooks) })
        .set({ repository: repository && json(repository) })
        .execute();
    }
  });

/** Unlinks applications from their templates; every writable field is reset to its default. */
export const resetSettings = (ctx: ChangeCtx, ids: readonly number[]): Promise<void> =>
  changeSettingsOf(ctx, ids, () =>
    ctx.tx
      .updateTable('deploySettings')
      .where('applicationId', 'in', ids)
      .set({
        ...nothingOwn,
        templateId: null,
        enabled: true,
        scriptRunningUser: null,
        startSeconds: null,
        stopSeconds: null,
      })
      .execute(),
  );
