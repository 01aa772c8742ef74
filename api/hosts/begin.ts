// The common start of all host tasks. Every check runs first, with the hosts locked, and rejects the whole batch naming each
// host; then the task is written as rows, and its workflow starts with the commit.
import { quote } from '../../db/audit/text.ts';
import { lockHosts } from '../../db/applications/instances.ts';
import { beginHostTask } from '../../db/hosts/tasks.ts';
import { leadsToMachine, unadmittedHosts } from '../../db/hosts/ways.ts';
import type { HostRow } from '../../db/inventory/tables.ts';
import { hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
import type { HostTaskInput, HostTaskKind } from '../../workflows/hosts/contract.ts';
import { canBegin } from '../../workflows/hosts/policy.ts';
import { detailOf, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { noSuch, type FieldOf } from '../operations/list-bodies.ts';
import { launch } from '../operations/start-workflow.ts';
import { notFound } from '../operations/permissions.ts';
import { hasMonitoring } from './drivers.ts';
import { hostEntry } from './text.ts';
import { auditText, auditWord } from '../../kit/messages/audit-text.ts';

interface WantedTask {
  kind: HostTaskKind;
  ids: readonly number[];
  /** The task's options in responses; for stop and restart also those that only its work needs. */
  opts: object;
  /** Location of a host's id in the body; undefined: in the path. */
  field?: FieldOf;
  /** A reason not to start the task on a host, besides its state. */
  refuse?(host: HostRow, index: number): Problem | undefined;
}

/** The hosts of a task in its order, locked. */
async function lockedHosts(ctx: ChangeCtx, { ids, field }: WantedTask): Promise<HostRow[]> {
  const rows = new Map((await lockHosts(ctx.tx, ids)).map((row) => [row.id, row]));
  if (!field && rows.size === 0) throw notFound();
  noSuch('host', ids, (one) => !rows.has(one), field);
  return ids.flatMap((one) => rows.get(one) ?? []);
}

/** Rejects the whole task because of its hosts' states; names every host rejected for the same reason as the first. */
async function refuseHosts(ctx: ChangeCtx, wanted: WantedTask, hosts: readonly HostRow[]): Promise<void> {
  const { kind, opts, field, refuse } = wanted;
  const hostIds = leadsToMachine(kind, opts) ? hosts.map(({ id }) => id) : [];
  const waiting = await unadmittedHosts(ctx.tx, ctx.config.hostAdmission, { hostIds });
  const refused = hosts.flatMap((host, index) => {
    const unadmitted = waiting.has(host.id) ? new Problem('host_not_admitted', { name: host.name }) : undefined;
    const problem = canBegin(kind, host) ?? unadmitted ?? refuse?.(host, index);
    return problem ? [{ problem, index }] : [];
  });
  const [first] = refused;
  if (!first) return;
  const details = refused.map((one) => detailOf(field?.(one.index) ?? '', one.problem));
  throw first.problem.with(field ? details : []);
}

/** Writes a task over these hosts and starts its workflow with the commit; returns its id. */
export async function beginTask(ctx: ChangeCtx, wanted: WantedTask): Promise<number> {
  const { kind, opts } = wanted;
  const hosts = await lockedHosts(ctx, wanted);
  await refuseHosts(ctx, wanted, hosts);
  const creator = ctx.actor.user.username;
  const timeoutSeconds = ctx.config.hostPatienceSeconds;
  const taskId = await beginHostTask(ctx.tx, { kind, creator, timeoutSeconds, opts, hosts, now: ctx.now() });
  ctx.audit(
    ...hosts.map((host) => {
      const name = quote(host.name);
      const detail = auditText('host_task_begun', { kind: auditWord('kind', kind), name, task: taskId });
      return hostEntry('update', host, detail);
    }),
  );
  const input: HostTaskInput = {
    taskId,
    kind,
    hosts: hosts.map(({ id, name }, position) => ({ position, hostId: id, name })),
    maintenance: (kind === 'stop' || kind === 'restart') && hasMonitoring(ctx),
  };
  await launch(ctx, {
    workflow: 'hostTask',
    workflowId: hostTaskWorkflowId(taskId),
    input,
    summary: `${kind.replaceAll('_', ' ')} ${hosts.length === 1 ? (hosts[0]?.name ?? '') : `${hosts.length} hosts`}`,
    attributes: { kind: kind === 'init' ? 'init_hosts' : `host_${kind}`, status: 'running', creator },
  });
  return taskId;
}
