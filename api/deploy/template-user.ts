// Who may see scripts and have repository credentials, and who may make and change what templates are put together from.
import { adminRole, heldBy, holds } from '../../db/access/rights.ts';
import type { Ctx } from '../context.ts';
import { notAllowed, permission, system } from '../permissions.ts';

const switchName = 'enable_deploy_template_mgmt';

async function isTemplateUser({ db, subject }: Ctx): Promise<boolean> {
  if (holds(subject, switchName) || holds(subject, 'edit_app')) return true;
  const grant = await db
    .selectFrom('grants')
    .innerJoin('applications', 'applications.id', 'grants.objectId')
    .where('grants.scope', '=', 'application')
    .where('grants.permission', 'in', ['edit_app', 'deploy_app'])
    .where('applications.deletedTime', 'is', null)
    .where(heldBy(subject))
    .select('grants.id')
    .limit(1)
    .executeTakeFirst();
  return grant !== undefined;
}

/** Whoever may deploy or change some application, or manages templates. */
export const templateUser = permission({
  names: [switchName, 'edit_app', 'deploy_app'],
  async check({ ctx }) {
    if (!(await isTemplateUser(ctx))) throw notAllowed(switchName);
  },
});

/** Whoever manages templates and scripts. */
export const templateManager = system(switchName);

/** Throws unless the caller made something, or is an administrator. */
export function demandOwn({ subject, actor }: Ctx, { creator }: { creator: string }): void {
  if (!subject.isAdmin && creator !== actor.user.username) throw notAllowed(`creator, or ${adminRole}`);
}
