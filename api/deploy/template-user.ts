// Who may view scripts and own repository credentials, and who may write templates and their parts.
import { adminRole, heldBy, holds } from '../../db/access/rights.ts';
import { selectScripts } from '../../db/deploy/scripts.ts';
import { selectTemplates } from '../../db/deploy/templates.ts';
import type { Ctx } from '../operations/context.ts';
import { notAllowed, notFound, permission, requestedId, system } from '../operations/permissions.ts';
import type { Permission } from '../operations/permissions.ts';

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

/** Users who may deploy or change some application, or manage templates. */
export const templateUser = permission({
  names: [switchName, 'edit_app', 'deploy_app'],
  async check({ ctx }) {
    if (!(await isTemplateUser(ctx))) throw notAllowed(switchName);
  },
});

/** Users who manage templates and scripts. */
export const templateManager = system(switchName);

type Made = Promise<{ creator: string } | undefined>;

/** Users who manage templates and created the object in the path, or administrators. */
const maker = (find: (ctx: Ctx, id: number) => Made): Permission =>
  permission({
    names: [switchName],
    async check(request) {
      await templateManager.check(request);
      const { ctx } = request;
      const found = await find(ctx, requestedId(request, 'id'));
      if (!found) throw notFound();
      const isOwn = found.creator === ctx.actor.user.username;
      if (!isOwn && !ctx.subject.isAdmin) throw notAllowed(`creator, or ${adminRole}`);
    },
  });

/** Users who may change the script in the path. */
export const scriptMaker = maker(({ db }, id) => selectScripts(db).where('id', '=', id).executeTakeFirst());

/** Users who may change the template in the path. */
export const templateMaker = maker(({ db }, id) => selectTemplates(db).where('id', '=', id).executeTakeFirst());
