import type { Kysely } from 'kysely';
import { lockRequirements } from '../../db/applications/relations.ts';
import { lockTree } from '../../db/applications/tree.ts';
import { quote } from '../../db/audit/text.ts';
import { mayOnEach } from '../../db/access/rights.ts';
import type { Database } from '../../db/database.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { application } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { lockedApplication } from './locked.ts';
import { applicationEntry } from './text.ts';
import { msg } from '../../kit/messages/message.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

interface Holding {
  things: 'instances_left' | 'children_left' | 'dependents_left' | 'deploy_tasks_left';
  /** Objects that block the deletion; applications are named only to users who may view them. */
  find(tx: Kysely<Database>, applicationId: number): Promise<{ id: number; name: string }[]>;
  applications?: true;
}

const holdings: readonly Holding[] = [
  {
    things: 'instances_left',
    find: (tx, id) =>
      tx
        .selectFrom('instances')
        .innerJoin('hosts', 'hosts.id', 'instances.hostId')
        .where('applicationId', '=', id)
        .select(['instances.id', 'hosts.name'])
        .orderBy('instances.id')
        .execute(),
  },
  {
    things: 'children_left',
    applications: true,
    find: (tx, id) =>
      tx
        .selectFrom('applications')
        .where('parentId', '=', id)
        .where('deletedTime', 'is', null)
        .select(['id', 'fullName as name'])
        .orderBy('id')
        .execute(),
  },
  {
    things: 'dependents_left',
    applications: true,
    find: (tx, id) =>
      tx
        .selectFrom('requiredApps')
        .innerJoin('applications', 'applications.id', 'requiredApps.applicationId')
        .where('requiredId', '=', id)
        .where('deletedTime', 'is', null)
        .select(['applications.id', 'applications.fullName as name'])
        .orderBy('applications.id')
        .execute(),
  },
  {
    things: 'deploy_tasks_left',
    find: (tx, id) =>
      tx
        .selectFrom('deployTasks')
        .where('applicationId', '=', id)
        .where('status', 'in', ['wait_review', 'approved', 'running'])
        .select(['id', 'version as name'])
        .orderBy('id')
        .execute(),
  },
];

const mostNamed = 10;

async function refuseWhatHolds(ctx: ChangeCtx, applicationId: number): Promise<void> {
  for (const { things, find, applications } of holdings) {
    const found = await find(ctx.tx, applicationId);
    if (found.length === 0) continue;
    const ids = found.map((one) => one.id);
    const may = applications && (await mayOnEach(ctx.tx, ctx.subject, 'application', 'view_app', ids));
    const named = found.filter((one) => !may || may.get(one.id) === 'yes').map((one) => one.name);
    const shown = [...named.slice(0, mostNamed), ...(named.length > mostNamed ? ['…'] : [])].join(', ');
    const names = shown === '' ? '' : `: ${shown}`;
    throw new Problem('application_has', { what: msg(things, { n: found.length, names }) });
  }
}

/** Soft-deletes an application; its row stays for the history of its tasks, its name becomes free. */
export const deleteApplication = change({
  method: 'delete',
  path: '/applications/{id}/',
  id: 'deleteApplication',
  area: 'applications',
  summary: 'Delete an application',
  permission: application('delete_app'),
  returns: success,
  problems: ['application_has'],
  async handle({ params: { id } }, ctx) {
    await lockTree(ctx.tx);
    await lockRequirements(ctx.tx);
    const row = await lockedApplication(ctx, id);
    await refuseWhatHolds(ctx, id);
    await ctx.tx.deleteFrom('requiredApps').where('applicationId', '=', id).execute();
    const gone = { deletedTime: ctx.now(), parentId: null, productionId: null };
    await ctx.tx.updateTable('applications').set(gone).where('id', '=', id).execute();
    const name = quote(row.fullName);
    ctx.audit(applicationEntry('delete', row, auditText('application_deleted', { name })));
    return done;
  },
});
