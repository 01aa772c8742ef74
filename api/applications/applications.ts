import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { quote } from '../../db/audit/text.ts';
import { applicationsOfUsers, findApplication, matching, selectSummaries } from '../../db/applications/find.ts';
import { holdCommands } from '../../db/applications/commands.ts';
import { lockRequirements } from '../../db/applications/relations.ts';
import { lockTree } from '../../db/applications/tree.ts';
import { refuseSharedPlaces } from '../../db/deploy/places.ts';
import { deployPathOf } from '../../db/deploy/settings.ts';
import type { ApplicationRow } from '../../db/inventory/tables.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { grantToCreator } from '../access/creator-grants.ts';
import { endpoint } from '../operations/endpoint.ts';
import { eachOnce, noSuch, withMore } from '../operations/list-bodies.ts';
import { demandAllowedNames } from '../operations/host-rules.ts';
import { list } from '../operations/list.ts';
import { application, demandSystem, notFound, signedIn, system } from '../operations/permissions.ts';
import { distinct, done, id, success } from '../operations/schemas.ts';
import { nameTaken, unlessTaken } from '../operations/unique-names.ts';
import { changes, columnsOf, creation, namedOnHosts } from './fields.ts';
import type { Fields } from './fields.ts';
import { allFilters } from './filters.ts';
import { applyLists, applyPlace } from './links.ts';
import { keepingPolicies } from './policies-kept.ts';
import { applicationObject, applicationSummary, presentApplications, presentSummaries } from './object.ts';
import type { ApplicationObject } from './object.ts';
import { applicationEntry, updateEntries } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'applications';

/** An application in API form for this caller; throws if they may not view it. */
async function seen(ctx: Ctx | ChangeCtx, applicationId: number): Promise<ApplicationObject> {
  const db = 'tx' in ctx ? ctx.tx : ctx.db;
  const row = await findApplication(db, ctx.subject, applicationId);
  const [shown] = row ? await presentApplications([row], ctx, db) : [];
  if (!shown) throw notFound();
  return shown;
}

const listApplications = list({
  path: '/applications/',
  id: 'listApplications',
  area,
  summary: 'List applications',
  permission: signedIn,
  filter: allFilters,
  item: applicationSummary,
  // Of a million, counting 10,000 by a part of the name takes 50 to 100 ms.
  countCap: 1_000,
  query: ({ query }, ctx) => selectSummaries(ctx.db, ctx.subject).where(matching(query)),
  present: (rows, ctx) => presentSummaries(rows, ctx),
});

const createApplication = change({
  method: 'post',
  path: '/applications/',
  id: 'createApplication',
  area,
  summary: 'Create an application',
  permission: withMore(system('create_app'), 'edit_app', 'view_app', 'add_business'),
  body: creation,
  returns: applicationObject,
  status: 201,
  problems: ['no_such', 'name_taken', 'cycle', 'too_deep', 'belongs_elsewhere', 'leaves_policy'],
  async handle({ body }, ctx) {
    demandAllowedNames(ctx, namedOnHosts(body));
    await lockTree(ctx.tx);
    if (body.required_apps) await lockRequirements(ctx.tx);
    const { username: creator } = ctx.actor.user;
    const now = ctx.now();
    // Created as a root under a name that no application can have, then moved to its place like any other.
    const { id: created } = await ctx.tx
      .insertInto('applications')
      .values({ ...columnsOf(body), name: `/${ctx.operationId}`, fullName: '', creator })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx.insertInto('deploySettings').values({ applicationId: created, creator }).execute();
    const blank = { id: created, name: '', parent_app: null, child_apps: [], required_apps: [], production: null };
    await applyPlace(ctx, blank, body);
    await grantToCreator(ctx, 'application', { id: created, name: (await rowOf(ctx, created)).fullName });
    await keepingPolicies(ctx, body.child_apps ?? [], () => applyLists(ctx, blank, body));
    await holdCommands(ctx.tx, { before: undefined, after: await rowOf(ctx, created), ...writer(ctx) });
    await ctx.tx
      .updateTable('applications')
      .set({ createdTime: now, updatedTime: now })
      .where('id', '=', created)
      .execute();
    const shown = await seen(ctx, created);
    const name = quote(shown.full_name);
    const detail = auditText('application_created', { name });
    ctx.audit(applicationEntry('add', { id: created, fullName: shown.full_name }, detail, diff(null, written(shown))));
    return shown;
  },
});

const rowOf = ({ tx }: ChangeCtx, applicationId: number): Promise<ApplicationRow> =>
  tx.selectFrom('applications').where('id', '=', applicationId).selectAll().executeTakeFirstOrThrow();

/** The writer of commands, and whether theirs need no confirmation. */
const writer = ({ actor, subject }: ChangeCtx) => ({ by: actor.user.username, isTrusted: subject.isAdmin });

const getApplication = endpoint({
  method: 'get',
  path: '/applications/{id}/',
  id: 'getApplication',
  area,
  summary: 'Get an application',
  permission: application('view_app'),
  returns: applicationObject,
  handle: ({ params }, ctx) => seen(ctx, params.id),
});

/** The writable fields, without derived and caller-specific ones. */
function written({
  available_actions: _actions,
  pending_commands: _pending,
  has_child: _child,
  updated_time: _time,
  ...fields
}: ApplicationObject) {
  return fields;
}

/** Applications whose place a body may change. */
function movedBy(
  before: ApplicationObject,
  { parent_app: parent, production, child_apps: children }: Fields,
): number[] {
  const isMoved =
    (parent !== undefined && parent !== before.parent_app) ||
    (production !== undefined && production !== before.production);
  const differ = children?.filter((one) => !before.child_apps.includes(one)) ?? [];
  const dropped = children ? before.child_apps.filter((one) => !children.includes(one)) : [];
  return [...(isMoved ? [before.id] : []), ...differ, ...dropped];
}

const changeApplication = change({
  method: 'patch',
  path: '/applications/{id}/',
  id: 'changeApplication',
  area,
  summary: 'Change an application',
  permission: withMore(application('edit_app'), 'view_app', 'add_business'),
  body: changes,
  returns: success,
  problems: [
    'name_taken',
    'cycle',
    'too_deep',
    'belongs_elsewhere',
    'leaves_policy',
    'deploy_path_of',
    'deploy_path_taken',
  ],
  async handle({ params, body }, ctx) {
    demandAllowedNames(ctx, namedOnHosts(body));
    await lockTree(ctx.tx);
    if (body.required_apps) await lockRequirements(ctx.tx);
    const before = await seen(ctx, params.id);
    const rowBefore = await rowOf(ctx, params.id);
    const deployedBefore = await deployPathOf(ctx.tx, before);
    await keepingPolicies(ctx, movedBy(before, body), async () => {
      await applyPlace(ctx, before, body);
      await applyLists(ctx, before, body);
    });
    const { name = before.name, ...columns } = columnsOf(body);
    const saved = ctx.tx
      .updateTable('applications')
      .set({ ...columns, name })
      .where('id', '=', params.id)
      .execute();
    await unlessTaken(saved, 'applications_sibling', nameTaken(name));
    await holdCommands(ctx.tx, { before: rowBefore, after: await rowOf(ctx, params.id), ...writer(ctx) });
    const after = await seen(ctx, params.id);
    const deployPath = await deployPathOf(ctx.tx, { id: params.id, directory: after.directory });
    if (deployPath !== deployedBefore) await refuseSharedPlaces(ctx.tx, ctx.subject, { applicationIds: [params.id] });
    const changed = diff(written(before), written(after));
    if (changed)
      await ctx.tx.updateTable('applications').set({ updatedTime: ctx.now() }).where('id', '=', params.id).execute();
    ctx.audit(...updateEntries({ id: params.id, fullName: after.full_name }, changed));
    return done;
  },
});

const applicationsByUsers = endpoint({
  method: 'post',
  path: '/applications/get-by-users/',
  id: 'getApplicationsByUsers',
  area,
  summary: 'Applications that concern users',
  permission: withMore(signedIn, 'view_user'),
  body: z
    .array(z.looseObject({ id }))
    .min(1)
    .max(100)
    .superRefine(eachOnce((user) => user.id))
    .meta(distinct),
  returns: z.array(z.object({ user_id: z.int(), applications: z.array(applicationObject) })),
  problems: ['no_such'],
  async handle({ body }, ctx) {
    const ids = body.map((user) => user.id);
    if (ids.some((one) => one !== ctx.actor.user.id)) demandSystem(ctx, 'view_user');
    const users = await ctx.db.selectFrom('users').where('id', 'in', ids).select('id').execute();
    noSuch('user', ids, (one) => !users.some((user) => user.id === one));
    const rows = await applicationsOfUsers(ctx.db, ctx.subject, ids);
    const shown = new Map((await presentApplications(rows, ctx)).map((one) => [one.id, one]));
    return ids.map((user) => ({
      user_id: user,
      applications: rows.flatMap((row) => (row.userId === user ? (shown.get(row.id) ?? []) : [])),
    }));
  },
});

export const applicationEndpoints = [
  listApplications,
  createApplication,
  getApplication,
  changeApplication,
  applicationsByUsers,
];
