// Starting, stopping and restarting instances. Every check runs first, with the instances locked; then the task is written
// as rows, and its workflow starts with the commit.
import { z } from 'zod';
import { commandsOf, waitsForCommands } from '../../db/applications/commands.ts';
import { beginInstanceTask, lockInstances } from '../../db/applications/instance-tasks.ts';
import { quote } from '../../db/audit/text.ts';
import { settingsOf } from '../../db/deploy/settings.ts';
import type { SubTaskSetup } from '../../db/deploy/sub-tasks.ts';
import { unadmittedHosts } from '../../db/hosts/ways.ts';
import type { ApplicationRow } from '../../db/inventory/tables.ts';
import type { Named } from '../../kit/host-rules.ts';
import { instanceActions, instanceTaskWorkflowId } from '../../workflows/applications/contract.ts';
import type { InstanceAction, InstanceTaskInput } from '../../workflows/applications/contract.ts';
import { canAct } from '../../workflows/applications/policy.ts';
import { detailOf, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { idEntries, noSuch, type FieldOf } from '../operations/list-bodies.ts';
import { demandAllowedNames } from '../operations/host-rules.ts';
import { launch } from '../operations/start-workflow.ts';
import { application, notFound } from '../operations/permissions.ts';
import { taskRef } from '../operations/schemas.ts';
import { applicationEntry } from './text.ts';
import { auditText, auditWord } from '../../kit/messages/audit-text.ts';

const area = 'applications';
const problems = [
  'no_such',
  'instance_busy',
  'instance_is',
  'not_configured',
  'host_is',
  'host_not_admitted',
  'commands_unconfirmed',
] as const;
const timeout = z.int().min(1).max(3600).default(120);
const mostNamed = 20;

type Locked = Awaited<ReturnType<typeof lockInstances>>[number];

interface Wanted {
  action: InstanceAction;
  applicationId: number;
  ids: readonly number[];
  timeoutSeconds: number;
  batchSize: number;
  /** Location of an instance's id in the body; undefined: in the path. */
  field?: FieldOf;
}

/** Rejects the whole task because of an instance's state; names each instance of the body. */
async function refuse(ctx: ChangeCtx, wanted: Wanted, instances: readonly Locked[], of: ApplicationRow): Promise<void> {
  const { action, field } = wanted;
  const hostIds = instances.map(({ hostId }) => hostId);
  const waiting = await unadmittedHosts(ctx.tx, ctx.config.hostAdmission, { hostIds });
  const refused = instances.flatMap((instance, index) => {
    const { hostId, hostname: name } = instance;
    const unadmitted = waiting.has(hostId) ? new Problem('host_not_admitted', { name }) : undefined;
    const problem = unadmitted ?? canAct(action, instance, commandsOf(instance, of, undefined));
    if (!problem) return [];
    const isHeld = problem.problem === 'not_configured' && waitsForCommands(instance, of);
    return [{ problem: isHeld ? new Problem('commands_unconfirmed', { id: of.id }) : problem, index }];
  });
  const [first] = refused;
  if (!first) return;
  const details = refused.map((one) => detailOf(field?.(one.index) ?? '', one.problem));
  throw first.problem.with(field ? details : []);
}

async function wantedInstances(ctx: ChangeCtx, wanted: Wanted, of: ApplicationRow): Promise<Locked[]> {
  const { applicationId, ids, field } = wanted;
  const rows = new Map((await lockInstances(ctx.tx, applicationId, ids)).map((row) => [row.id, row]));
  if (!field && rows.size === 0) throw notFound();
  noSuch('instance', ids, (one) => !rows.has(one), field);
  const instances = ids.flatMap((one) => rows.get(one) ?? []);
  await refuse(ctx, wanted, instances, of);
  return instances;
}

/** A task's paths and user, for checks against the operator's lists. */
const namedBy = ({ runUser, deployPath, pidPath }: SubTaskSetup): Named[] => [
  { field: 'run_user', kind: 'user', value: runUser },
  { field: 'deploy_path', kind: 'deploy', value: deployPath },
  { field: 'pid_path', kind: 'pid', value: pidPath },
];

async function begin(ctx: ChangeCtx, wanted: Wanted): Promise<z.input<typeof taskRef>> {
  const { action, applicationId, timeoutSeconds, batchSize } = wanted;
  const of = await ctx.tx.selectFrom('applications').selectAll().where('id', '=', applicationId).executeTakeFirst();
  if (!of) throw notFound();
  const instances = await wantedInstances(ctx, wanted, of);
  const settings = await settingsOf(ctx.tx, of.id);
  // Each setup has its own nonce, which identifies its process: the checked setup must be the stored one.
  const set = instances.map((instance) => ({ ...instance, setup: commandsOf(instance, of, settings) }));
  for (const instance of set) demandAllowedNames(ctx, namedBy(instance.setup), [instance]);
  const creator = ctx.actor.user.username;
  const task = { action, applicationId, creator, timeoutSeconds, batchSize, instances: set, now: ctx.now() };
  const taskId = await beginInstanceTask(ctx.tx, task);
  const hostnames = instances.map((instance) => instance.hostname);
  audit(ctx, of, action, taskId, hostnames);
  const targets = set.map((instance, position) => ({
    position,
    hostname: instance.hostname,
    // For an instance recorded as stopped, the step itself probes the process.
    wasRunning: instance.status !== 'stopped' || instance.setup.stopCmd !== '',
  }));
  const input: InstanceTaskInput = {
    taskId,
    action,
    timeoutSeconds,
    batchSize,
    instances: targets,
    ...(ctx.config.zabbixUrl !== undefined && action !== 'start' && { maintenance: true }),
  };
  await launch(ctx, {
    workflow: 'instanceTask',
    workflowId: instanceTaskWorkflowId(taskId),
    input,
    summary: `${action} ${of.fullName} on ${hostnames.length === 1 ? (hostnames[0] ?? '') : `${hostnames.length} hosts`}`,
    attributes: { kind: `instance_${action}`, status: 'running', application: of.fullName, creator },
  });
  return { task_id: String(taskId) };
}

function audit(ctx: ChangeCtx, of: ApplicationRow, action: InstanceAction, taskId: number, hostnames: string[]): void {
  const named = hostnames.slice(0, mostNamed).map((one) => quote(one));
  const more = hostnames.length - named.length;
  const on = `${named.join(', ')}${more > 0 ? ` +${more}` : ''}`;
  const name = quote(of.fullName);
  ctx.audit(
    applicationEntry(
      'update',
      of,
      auditText('instances_begun', { action: auditWord('kind', action), name, hosts: on, task: taskId }),
    ),
  );
}

const nameOf = (action: InstanceAction): string => `${action.charAt(0).toUpperCase()}${action.slice(1)}`;

const actionOnOne = (action: InstanceAction) =>
  change({
    method: 'post',
    path: `/applications/{id}/instances/{instance_id}/actions/${action}/`,
    id: `${action}Instance`,
    area,
    summary: `${nameOf(action)} an instance`,
    permission: application('restart_app'),
    body: z.object({ timeout }),
    returns: taskRef,
    status: 202,
    problems,
    handle: ({ params: { id, instance_id }, body }, ctx) =>
      begin(ctx, { action, applicationId: id, ids: [instance_id], timeoutSeconds: body.timeout, batchSize: 1 }),
  });

const actionOnMany = (action: InstanceAction) =>
  change({
    method: 'post',
    path: `/applications/{id}/instances/actions/${action}/`,
    id: `${action}Instances`,
    area,
    summary: `${nameOf(action)} several instances, batch by batch`,
    permission: application('restart_app'),
    body: z.object({ instances: idEntries(500), timeout, batch_size: z.int().min(1).max(100).default(10) }),
    returns: taskRef,
    status: 202,
    problems,
    handle: ({ params, body }, ctx) =>
      begin(ctx, {
        action,
        applicationId: params.id,
        ids: body.instances.map((one) => one.id),
        timeoutSeconds: body.timeout,
        batchSize: body.batch_size,
        field: (index) => `instances.${index}.id`,
      }),
  });

export const instanceActionEndpoints = [...instanceActions.map(actionOnOne), ...instanceActions.map(actionOnMany)];
