import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { quote } from '../../db/audit/text.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { selectSummaries } from '../../db/applications/find.ts';
import { lockHosts } from '../../db/applications/instances.ts';
import { findHost, instancesOn, matchingHosts, selectHosts } from '../../db/hosts/find.ts';
import type { HostRow } from '../../db/inventory/tables.ts';
import { json } from '../../db/core/jsonb.ts';
import {
  hostRemovalWorkflowId,
  hostStatuses,
  hostTypes,
  isFolder,
  osStatuses,
} from '../../workflows/hosts/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { applicationSummary, presentSummaries } from '../applications/object.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { grantToCreator } from '../access/creator-grants.ts';
import { endpoint } from '../operations/endpoint.ts';
import { launch } from '../operations/start-workflow.ts';
import { list } from '../operations/list.ts';
import { masked } from '../operations/secret-placeholder.ts';
import { host, notFound, signedIn, system } from '../operations/permissions.ts';
import { done, id, success } from '../operations/schemas.ts';
import { nameTaken, unlessTaken } from '../operations/unique-names.ts';
import { hasMonitoring } from './drivers.ts';
import { changes, creation, type HostFields } from './fields.ts';
import { hostObject, presentHosts, type HostObject } from './object.ts';
import { demandRunner, refuseFields, saveHost } from './save.ts';
import { hostEntry } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'hosts';
const wayProblems = ['machine_not_available', 'machine_taken'] as const;

async function seen(ctx: Ctx | ChangeCtx, hostId: number): Promise<HostObject> {
  const db = 'tx' in ctx ? ctx.tx : ctx.db;
  const row = await findHost(db, ctx.subject, hostId);
  const [shown] = row ? presentHosts([row], ctx) : [];
  if (!shown) throw notFound();
  return shown;
}

async function locked(ctx: ChangeCtx, hostId: number): Promise<HostRow> {
  const [row] = await lockHosts(ctx.tx, [hostId]);
  if (!row) throw notFound();
  return row;
}

/** The writable fields, without derived and caller-specific ones. */
function written({ available_actions: _actions, updated_time: _time, busy: _busy, way: _way, ...fields }: HostObject) {
  return fields;
}

const text = z.string().max(253);

const listHosts = list({
  path: '/hosts/',
  id: 'listHosts',
  area,
  summary: 'List hosts',
  permission: signedIn,
  filter: z.object({
    name: text.optional(),
    host_type: z.enum(hostTypes).optional(),
    status: z.enum(hostStatuses).optional(),
    os_status: z.enum(osStatuses).optional(),
    ip: text.optional(),
    location: text.optional(),
    application: id.optional(),
  }),
  item: hostObject,
  // With a filter that matches many of a million hosts, counting further would take ten times as long.
  countCap: 1_000,
  query: ({ query }, ctx) => selectHosts(ctx.db, ctx.subject).where(matchingHosts(query, ctx.subject)),
  present: (rows, ctx) => presentHosts(rows, ctx),
});

const getHost = endpoint({
  method: 'get',
  path: '/hosts/{id}/',
  id: 'getHost',
  area,
  summary: 'Get a host',
  permission: host('view_host'),
  returns: hostObject,
  handle: ({ params }, ctx) => seen(ctx, params.id),
});

const createHost = change({
  method: 'post',
  path: '/hosts/',
  id: 'createHost',
  area,
  summary: 'Create a host',
  permission: system('add_host'),
  body: creation,
  returns: hostObject,
  status: 201,
  problems: ['name_taken', 'provider_id_taken', ...wayProblems],
  async handle({ body }, ctx) {
    demandRunner(ctx, body);
    refuseFields(body);
    const { name, host_type: hostType } = body;
    const [now, creator] = [ctx.now(), ctx.actor.user.username];
    // The row is created without a way, and then gets one like any other host.
    const begun = { runner: 'local' as const, ipAddress: json([]) };
    const row = { ...begun, name, hostType, creator, createdTime: now, updatedTime: now };
    const inserted = ctx.tx.insertInto('hosts').values(row).returningAll().executeTakeFirstOrThrow();
    const created = await unlessTaken(inserted, 'hosts_name', nameTaken(name));
    await saveHost(ctx, created, { ...body, runner: body.runner ?? 'salt' });
    await grantToCreator(ctx, 'host', created);
    const shown = await seen(ctx, created.id);
    const detail = auditText('host_added', { name: quote(name) });
    ctx.audit(hostEntry('add', created, detail, diff(null, written(shown))));
    return shown;
  },
});

const steadyWhileBusy = ['name', 'host_type', 'runner', 'minion_id', 'provider_id'] as const;

/** Rejects changes to a busy host that its task relies on, and moving a local host's folder that has instances. */
async function refuseChange(ctx: ChangeCtx, row: HostRow, before: HostObject, fields: HostFields): Promise<void> {
  const differs = (field: keyof HostFields & keyof HostObject) =>
    fields[field] !== undefined && fields[field] !== before[field];
  if (row.busyTaskId !== null && steadyWhileBusy.some(differs))
    throw new Problem('host_busy', { name: row.name, task_id: row.busyTaskId });
  const leavesFolder = isFolder(row.runner) && (differs('name') || differs('runner'));
  const n = leavesFolder ? await instancesOn(ctx.tx, row.id) : 0;
  if (n > 0) throw new Problem('host_has_instances', { name: row.name, n });
  if (differs('runner')) demandRunner(ctx, fields);
}

const changeHost = change({
  method: 'patch',
  path: '/hosts/{id}/',
  id: 'changeHost',
  area,
  summary: 'Change a host',
  permission: host('edit_host'),
  body: changes,
  returns: hostObject,
  problems: ['name_taken', 'provider_id_taken', 'host_busy', 'host_has_instances', ...wayProblems],
  async handle({ params, body }, ctx) {
    const row = await locked(ctx, params.id);
    const before = await seen(ctx, params.id);
    const { host_type, provider_id, ipmi } = before;
    const whole = { host_type, provider_id, ...(ipmi && { ipmi }), ...body };
    refuseFields(whole);
    await refuseChange(ctx, row, before, body);
    await saveHost(ctx, row, body);
    const after = await seen(ctx, params.id);
    const secret = body.ipmi && body.ipmi.password !== masked ? { 'ipmi.password': [masked, masked] } : {};
    const changed = { ...diff(written(before), written(after)), ...secret } as Record<string, [unknown, unknown]>;
    const fields = Object.keys(changed).join(', ');
    const name = quote(after.name);
    const detail = auditText('host_changed', { name, fields });
    if (fields !== '') ctx.audit(hostEntry('update', after, detail, changed));
    return after;
  },
});

const deleteHost = change({
  method: 'delete',
  path: '/hosts/{id}/',
  id: 'deleteHost',
  area,
  summary: 'Delete a host; the machine is not touched',
  permission: host('delete_host'),
  returns: success,
  problems: ['host_has_instances', 'host_busy'],
  async handle({ params }, ctx) {
    const row = await locked(ctx, params.id);
    if (row.busyTaskId !== null) throw new Problem('host_busy', { name: row.name, task_id: row.busyTaskId });
    const n = await instancesOn(ctx.tx, row.id);
    if (n > 0) throw new Problem('host_has_instances', { name: row.name, n });
    await ctx.tx.updateTable('hosts').set({ deletedTime: ctx.now(), ipmi: null }).where('id', '=', row.id).execute();
    const name = quote(row.name);
    ctx.audit(hostEntry('delete', row, auditText('host_deleted', { name })));
    if (hasMonitoring(ctx))
      await launch(ctx, {
        workflow: 'removeHost',
        workflowId: hostRemovalWorkflowId(row.id),
        input: { hostId: row.id },
        summary: `take ${row.name} out of monitoring`,
        attributes: { kind: 'host_removal', status: 'running', creator: ctx.actor.user.username },
      });
    return done;
  },
});

const listHostApplications = list({
  path: '/hosts/{id}/applications/',
  id: 'listHostApplications',
  area,
  summary: 'List the applications on a host',
  permission: host('view_host'),
  filter: z.object({ name: z.string().max(64).optional() }),
  item: applicationSummary,
  query: ({ params, query: { name } }, ctx) =>
    selectSummaries(ctx.db, ctx.subject)
      .where('applications.id', 'in', (eb) =>
        eb.selectFrom('instances').where('hostId', '=', params.id).select('applicationId'),
      )
      .$if(name !== undefined, (q) => q.where('applications.name', 'ilike', anywhere(name ?? ''))),
  present: (rows, ctx) => presentSummaries(rows, ctx),
});

export const hostEndpoints = [listHosts, createHost, getHost, changeHost, deleteHost, listHostApplications];
