import { z } from 'zod';
import { instancesAt } from '../../db/hosts/find.ts';
import { hostStatuses } from '../../workflows/hosts/contract.ts';
import type { HostStatus } from '../../workflows/hosts/contract.ts';
import { canGo } from '../../workflows/hosts/policy.ts';
import { change } from '../operations/change.ts';
import { host, permission } from '../operations/permissions.ts';
import type { PermissionRequest } from '../operations/permissions.ts';
import { taskRef } from '../operations/schemas.ts';
import { beginTask } from './begin.ts';
import { initMissing } from './drivers.ts';

const body = z.object({ status: z.enum(hostStatuses) });

const needed = { inited: 'init_host', attached: 'edit_host', offline: 'deactivate_host' } as const;

/** The permission depends on the target status, and for `raw` on the current one; invalid values are left to validation. */
const view = host('view_host');
const mayChange = permission({
  ...view,
  names: ['init_host', 'edit_host', 'deactivate_host'],
  async check(request: PermissionRequest) {
    await view.check(request);
    const wanted = body.safeParse(request.body);
    if (!wanted.success) return anyChange(request);
    const to = wanted.data.status;
    const name = to === 'raw' ? await neededForRaw(request) : needed[to];
    await host(name).check(request);
  },
});

async function neededForRaw({ ctx, params }: PermissionRequest): Promise<'edit_host' | 'deactivate_host'> {
  const row = await ctx.db
    .selectFrom('hosts')
    .select('status')
    .where('id', '=', Number(params['id']))
    .executeTakeFirst();
  return row?.status === 'offline' ? 'deactivate_host' : 'edit_host';
}

async function anyChange(request: PermissionRequest): Promise<void> {
  for (const name of ['init_host', 'edit_host'] as const) {
    const allowed = await host(name)
      .check(request)
      .then(
        () => true,
        () => false,
      );
    if (allowed) return;
  }
  await host('deactivate_host').check(request);
}

/** Changes a host's status in Slipway, by a host task. */
export const changeStatus = change({
  method: 'post',
  path: '/hosts/{id}/actions/change-status/',
  id: 'changeHostStatus',
  area: 'hosts',
  summary: 'Change the status of a host',
  permission: mayChange,
  body,
  returns: taskRef,
  status: 202,
  problems: [
    'host_busy',
    'host_cannot_go',
    'host_has_instances',
    'host_without_instances',
    'instance_busy',
    'salt_failed',
    'host_not_admitted',
  ],
  async handle({ params: { id }, body: { status } }, ctx) {
    const found = await instancesAt(ctx.tx, id);
    const taskId = await beginTask(ctx, {
      kind: 'change_status',
      ids: [id],
      opts: { status },
      refuse: (row) => canGo(row, status, found) ?? (initialises(row, status) ? initMissing(ctx, row) : undefined),
    });
    return { task_id: String(taskId) };
  },
});

const initialises = (row: { status: HostStatus }, to: HostStatus): boolean => row.status === 'raw' && to === 'inited';
