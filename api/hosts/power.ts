// Starting, stopping and restarting hosts, one or up to a thousand.
import { z } from 'zod';
import { powerMissing } from './drivers.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { demandEntries, eachOnce, withMore, type FieldOf } from '../operations/list-bodies.ts';
import { host, signedIn } from '../operations/permissions.ts';
import { distinct, id, taskRef } from '../operations/schemas.ts';
import { beginTask } from './begin.ts';

const area = 'hosts';
const mostHosts = 1_000;
const field: FieldOf = (index) => `${index}.host_id`;

type PowerKind = 'start' | 'stop' | 'restart';

const problems = {
  start: ['no_such', 'host_not_admitted', 'host_busy', 'host_running', 'start_salt_failed', 'start_failed'],
  stop: forcible(),
  restart: forcible(),
} as const;

function forcible() {
  const shared = [
    'no_such',
    'host_not_admitted',
    'host_busy',
    'host_is',
    'power_salt_failed',
    'cloudstack_failed',
  ] as const;
  return [...shared, 'tencent_failed', 'cpm_failed', 'ecs_failed', 'ipmi_failed'] as const;
}

const nameOf = (kind: PowerKind): string => `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
const force = z.boolean().default(false);

interface Entry {
  host_id: number;
  force: boolean;
}

async function begin(ctx: ChangeCtx, kind: PowerKind, entries: readonly Entry[], at?: FieldOf) {
  const ids = entries.map((one) => one.host_id);
  const forced = entries.filter((one) => one.force).map((one) => one.host_id);
  const taskId = await beginTask(ctx, {
    kind,
    ids,
    opts: { forced },
    ...(at && { field: at }),
    refuse: (row, index) => powerMissing(ctx, kind, row, entries[index]?.force ?? false),
  });
  return { task_id: String(taskId) };
}

const forOne = (kind: PowerKind) =>
  change({
    method: 'post',
    path: `/hosts/{id}/actions/${kind}/`,
    id: `${kind}Host`,
    area,
    summary: `${nameOf(kind)} a host`,
    permission: host('restart_host'),
    body: kind === 'start' ? z.object({}).optional() : z.object({ force }).optional(),
    returns: taskRef,
    status: 202,
    problems: problems[kind],
    handle: ({ params, body }, ctx) =>
      begin(ctx, kind, [{ host_id: params.id, force: body !== undefined && 'force' in body && body.force === true }]),
  });

const bodyOf = (kind: PowerKind) =>
  z
    .array(kind === 'start' ? z.object({ host_id: id }) : z.object({ host_id: id, force }))
    .min(1)
    .max(mostHosts)
    .superRefine(eachOnce((entry) => entry.host_id, 'host_id'))
    .meta(distinct);

const forMany = (kind: PowerKind) =>
  change({
    method: 'post',
    path: `/hosts/${kind}-tasks/`,
    id: `create${nameOf(kind)}Task`,
    area,
    summary: `${nameOf(kind)} several hosts`,
    permission: withMore(signedIn, 'restart_host'),
    body: bodyOf(kind),
    returns: taskRef,
    status: 202,
    problems: problems[kind],
    async handle({ body }, ctx) {
      const entries = body.map((one): Entry => ({
        host_id: one.host_id,
        force: 'force' in one && one.force === true,
      }));
      await demandEntries(
        ctx,
        'host',
        'restart_host',
        entries.map((one) => one.host_id),
        field,
      );
      return begin(ctx, kind, entries, field);
    },
  });

const kinds: readonly PowerKind[] = ['start', 'stop', 'restart'];

export const powerEndpoints = [...kinds.map(forOne), ...kinds.map(forMany)];
