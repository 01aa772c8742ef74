import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { linkedTo, matching, selectSummaries } from '../../db/applications/find.ts';
import { dropRequirements, lockRequirements, relationsOf } from '../../db/applications/relations.ts';
import { lockTree } from '../../db/applications/tree.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { idEntries, noSuch, withMore } from '../operations/list-bodies.ts';
import { list } from '../operations/list.ts';
import { application } from '../operations/permissions.ts';
import { done, id, success } from '../operations/schemas.ts';
import { addChildren, dropChildren } from './children.ts';
import { commonFilters } from './filters.ts';
import { lockedApplication } from './locked.ts';
import { applicationSummary, presentSummaries } from './object.ts';
import { addRequired } from './required.ts';
import { updateEntries, type NamedApplication } from './text.ts';

const area = 'applications';

/** The list of applications that are linked to one by this relation. */
const linkedList = (link: keyof typeof linkedTo, declaration: { path: string; id: string; summary: string }) =>
  list({
    ...declaration,
    area,
    permission: application('view_app'),
    params: z.object({ id }),
    filter: commonFilters,
    item: applicationSummary,
    query: ({ params, query }, ctx) =>
      selectSummaries(ctx.db, ctx.subject).where(matching(query)).where(linkedTo[link](params.id)),
    present: (rows, ctx) => presentSummaries(rows, ctx),
  });

/** Applications in list form, in the order of the ids. */
async function summaries(ctx: ChangeCtx, ids: readonly number[]) {
  const rows = await selectSummaries(ctx.tx, ctx.subject).where('applications.id', 'in', ids).execute();
  const shown = new Map(presentSummaries(rows, ctx).map((one) => [one.id, one]));
  return ids.flatMap((one) => shown.get(one) ?? []);
}

const idsOf = (entries: readonly { id: number }[]): number[] => entries.map((one) => one.id);

/** Changes links and audits the change if the caller can see a difference. */
async function recorded(
  ctx: ChangeCtx,
  of: NamedApplication,
  field: 'children' | 'required',
  work: (present: readonly number[]) => Promise<void>,
): Promise<void> {
  const present = async () => (await relationsOf(ctx.tx, ctx.subject, [of.id])).get(of.id)?.[field] ?? [];
  const name = { children: 'childApps', required: 'requiredApps' }[field];
  const before = await present();
  await work(before);
  ctx.audit(...updateEntries(of, diff({ [name]: before }, { [name]: await present() })));
}

const childrenPath = '/applications/{id}/child-apps/';
const listChildren = linkedList('children', {
  path: childrenPath,
  id: 'listChildApps',
  summary: 'List the children of an application',
});

const addChildApps = change({
  method: 'post',
  path: childrenPath,
  id: 'addChildApps',
  area,
  summary: 'Make applications children',
  permission: application('edit_app'),
  body: idEntries(),
  returns: z.array(applicationSummary),
  status: 201,
  problems: ['belongs_elsewhere', 'name_taken', 'cycle', 'too_deep'],
  async handle({ params, body }, ctx) {
    await lockTree(ctx.tx);
    const of = await lockedApplication(ctx, params.id);
    await recorded(ctx, of, 'children', () => addChildren(ctx, of.id, idsOf(body)));
    return summaries(ctx, idsOf(body));
  },
});

const dropChildApps = change({
  method: 'delete',
  path: childrenPath,
  id: 'removeChildApps',
  area,
  summary: 'Make children roots',
  permission: application('edit_app'),
  body: idEntries(),
  returns: success,
  problems: ['name_taken'],
  async handle({ params, body }, ctx) {
    await lockTree(ctx.tx);
    const of = await lockedApplication(ctx, params.id);
    await recorded(ctx, of, 'children', async (present) => {
      noSuch('child', idsOf(body), (one) => !present.includes(one));
      await dropChildren(ctx, of.id, idsOf(body));
    });
    return done;
  },
});

const requiredPath = '/applications/{id}/required-apps/';
const listRequired = linkedList('required', {
  path: requiredPath,
  id: 'listRequiredApps',
  summary: 'List what an application requires',
});

const listRequiredBy = linkedList('requiredBy', {
  path: '/applications/{id}/required-by-apps/',
  id: 'listRequiredByApps',
  summary: 'List what requires an application',
});

const addRequiredApps = change({
  method: 'post',
  path: requiredPath,
  id: 'addRequiredApps',
  area,
  summary: 'Require applications',
  permission: withMore(application('edit_app'), 'view_app'),
  body: idEntries(),
  returns: z.array(applicationSummary),
  status: 201,
  problems: ['cycle'],
  async handle({ params, body }, ctx) {
    await lockRequirements(ctx.tx);
    const of = await lockedApplication(ctx, params.id);
    await recorded(ctx, of, 'required', () => addRequired(ctx, of.id, idsOf(body)));
    return summaries(ctx, idsOf(body));
  },
});

const dropRequiredApps = change({
  method: 'delete',
  path: requiredPath,
  id: 'removeRequiredApps',
  area,
  summary: 'Remove required applications',
  permission: application('edit_app'),
  body: idEntries(),
  returns: success,
  async handle({ params, body }, ctx) {
    await lockRequirements(ctx.tx);
    const of = await lockedApplication(ctx, params.id);
    await recorded(ctx, of, 'required', async (present) => {
      noSuch('required application', idsOf(body), (one) => !present.includes(one));
      await dropRequirements(ctx.tx, of.id, idsOf(body));
    });
    return done;
  },
});

export const relationEndpoints = [
  listChildren,
  addChildApps,
  dropChildApps,
  listRequired,
  addRequiredApps,
  dropRequiredApps,
  listRequiredBy,
];
