import { z } from 'zod';
import { quote } from '../../db/audit/text.ts';
import { lockHosts, selectInstances, settleAttachment } from '../../db/applications/instances.ts';
import { refuseSharedPlaces } from '../../db/deploy/places.ts';
import type { HostRow, InstanceRow } from '../../db/inventory/tables.ts';
import { json } from '../../db/core/jsonb.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { fromParts } from '../../db/core/row-batches.ts';
import { instanceStatuses } from '../../workflows/applications/contract.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { demandEntries, eachOnce, idEntries, noSuch, withMore } from '../operations/list-bodies.ts';
import { hostEntry } from '../hosts/text.ts';
import { list } from '../operations/list.ts';
import { application, notFound } from '../operations/permissions.ts';
import { distinct, done, id, success } from '../operations/schemas.ts';
import { lockedApplication } from './locked.ts';
import { instanceObject, presentInstance } from './instance-object.ts';
import { applicationEntry, type NamedApplication } from './text.ts';
import { msg } from '../../kit/messages/message.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'applications';
const path = '/applications/{id}/instances/';
const most = 1000;

const listInstances = list({
  path,
  id: 'listInstances',
  area,
  summary: 'List the instances of an application',
  permission: application('view_app'),
  filter: z.object({
    hostname: z.string().max(253).optional(),
    status: z.enum(instanceStatuses).optional(),
    version: z.string().max(128).optional(),
  }),
  item: instanceObject,
  order: { oldest: 'instances.id' },
  query: ({ params, query: { hostname, status, version } }, ctx) =>
    selectInstances(ctx.db, params.id)
      .$if(hostname !== undefined, (q) => q.where('hosts.name', 'ilike', anywhere(hostname ?? '')))
      .$if(status !== undefined, (q) => q.where('instances.status', '=', status ?? 'stopped'))
      .$if(version !== undefined, (q) => q.where('instances.version', 'ilike', anywhere(version ?? ''))),
  present: (rows) => rows.map(presentInstance),
});

const getInstance = endpoint({
  method: 'get',
  path: `${path}{instance_id}/`,
  id: 'getInstance',
  area,
  summary: 'Get an instance',
  permission: application('view_app'),
  returns: instanceObject,
  async handle({ params }, ctx) {
    const rows = selectInstances(ctx.db, params.id).where('instances.id', '=', params.instance_id);
    const row = await rows.executeTakeFirst();
    if (!row) throw notFound();
    return presentInstance(row);
  },
});

/** Records an attached or detached instance on both its application and its host. */
function bothRecords(side: 'attach' | 'detach', of: NamedApplication, host: { id: number; name: string }) {
  const [app, machine] = [quote(of.fullName), quote(host.name)];
  const toHost = auditText(`host_${side}ed`, { host: machine, name: app });
  return [applicationEntry(`${side}_host`, of, toHost), hostEntry(`${side}_app`, host, toHost)];
}

function refuseHost({ name, status }: HostRow): void {
  if (status === 'raw' || status === 'offline') throw new Problem('host_is', { name, status });
}

async function refuseInstances({ tx }: ChangeCtx, applicationId: number, hosts: readonly HostRow[]): Promise<void> {
  const present = await tx
    .selectFrom('instances')
    .where('applicationId', '=', applicationId)
    .select('hostId')
    .execute();
  const twice = hosts.find((host) => present.some((one) => one.hostId === host.id));
  if (twice) throw new Problem('instance_exists', { host: twice.name });
  if (present.length + hosts.length > most) throw invalidField('', msg('too_many_instances', { n: most }));
}

const addInstances = change({
  method: 'post',
  path,
  id: 'addInstances',
  area,
  summary: 'Add instances of an application on hosts',
  permission: withMore(application('edit_app'), 'edit_host'),
  body: z
    .array(z.object({ hostid: id, hostname: z.string().max(253).optional() }))
    .min(1)
    .max(100)
    .superRefine(eachOnce((one) => one.hostid, 'hostid'))
    .meta(distinct),
  returns: z.array(instanceObject),
  status: 201,
  problems: ['host_is', 'instance_exists', 'deploy_path_of', 'deploy_path_taken'],
  async handle({ params, body }, ctx) {
    const ids = body.map((one) => one.hostid);
    await demandEntries(ctx, 'host', 'edit_host', ids, (index) => `${index}.hostid`);
    const of = await lockedApplication(ctx, params.id);
    const hosts = new Map((await lockHosts(ctx.tx, ids)).map((host) => [host.id, host]));
    noSuch(
      'host',
      ids,
      (one) => !hosts.has(one),
      (index) => `${index}.hostid`,
    );
    for (const [index, { hostid, hostname }] of body.entries())
      if (hostname !== undefined && hostname !== hosts.get(hostid)?.name)
        throw invalidField(`${index}.hostname`, msg('is_not_the_host_name'));
    for (const host of hosts.values()) refuseHost(host);
    await refuseInstances(ctx, params.id, [...hosts.values()]);
    const now = ctx.now();
    const wanted = ids.map((hostId) => ({
      applicationId: params.id,
      hostId,
      releases: json([]),
      createdTime: now,
      updatedTime: now,
    }));
    const rows = await fromParts(wanted, (part) =>
      ctx.tx.insertInto('instances').values(part).returningAll().execute(),
    );
    await refuseSharedPlaces(ctx.tx, ctx.subject, { applicationIds: [params.id], hostIds: ids });
    await settleAttachment(ctx.tx, ids, now);
    const made = new Map(rows.map((row) => [row.hostId, row]));
    return body.flatMap(({ hostid }) => {
      const [host, row] = [hosts.get(hostid), made.get(hostid)];
      if (!host || !row) return [];
      ctx.audit(...bothRecords('attach', of, host));
      return [presentInstance({ ...row, hostname: host.name })];
    });
  },
});

function refuseRemoval({ id: instance, status, busyTaskId }: InstanceRow): void {
  if (busyTaskId !== null) throw new Problem('instance_busy', { id: instance, task_id: busyTaskId });
  if (status !== 'stopped') throw new Problem('instance_is', { id: instance, status });
}

const removeInstances = change({
  method: 'delete',
  path,
  id: 'removeInstances',
  area,
  summary: 'Remove instances; files stay on the hosts',
  permission: application('edit_app'),
  body: idEntries(),
  returns: success,
  problems: ['instance_busy', 'instance_is'],
  async handle({ params, body }, ctx) {
    const ids = body.map((one) => one.id);
    const of = await lockedApplication(ctx, params.id);
    // Hosts are locked before instances, in the same order as when adding one.
    const named = await selectInstances(ctx.tx, params.id).where('instances.id', 'in', ids).execute();
    noSuch('instance', ids, (one) => !named.some((row) => row.id === one));
    const hostIds = [...new Set(named.map((row) => row.hostId))];
    await lockHosts(ctx.tx, hostIds);
    const rows = await ctx.tx.selectFrom('instances').where('id', 'in', ids).selectAll().forUpdate().execute();
    for (const row of rows) refuseRemoval(row);
    await ctx.tx.deleteFrom('instances').where('id', 'in', ids).execute();
    await settleAttachment(ctx.tx, hostIds, ctx.now());
    ctx.audit(...named.flatMap((row) => bothRecords('detach', of, { id: row.hostId, name: row.hostname })));
    return done;
  },
});

export const instanceEndpoints = [listInstances, getInstance, addInstances, removeInstances];
