// A sub-task takes its instances, stores a snapshot of everything it runs (commands, rendered hooks, checksum) and releases
// the instances one by one. Its activities read these rows, so later changes of the application or a script do not affect
// it.
import { randomUUID } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import { hookNames } from '../../workflows/deploy/contract.ts';
import type {
  DeployPlan,
  HookName,
  SubTaskInput,
  SubTaskKind,
  SubTaskRequest,
} from '../../workflows/deploy/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { loadSubject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { insertRows } from '../core/row-batches.ts';
import { demandSameMachine, machineOf } from './machines.ts';
import type { KeptMachine, Reach } from './machines.ts';
import { refuseForeignPlace } from './places.ts';
import { healthUrlOf, planTargets, renderHooks } from './plan.ts';
import type { PlanTarget, Renderer } from './plan.ts';
import { textsOf } from './plan-texts.ts';
import { settingDefaults } from './settings.ts';
import type { SettingsInForce } from './settings.ts';
import type { NamedDeployTask } from './tasks.ts';
import { addEvent } from '../approvals/votes.ts';
import { deployTable, deployTask, planSubject, presentPlan } from './tasks.ts';
import { recordDeployStep } from './transitions.ts';

/** The setup of a sub-task, fixed for its whole run; stored in `tasks.opts`. */
export interface SubTaskSetup {
  deployPath: string;
  runUser: string;
  startupCmd: string;
  stopCmd: string;
  pidPath: string;
  keepBackups: number;
  /** Seconds; left out where a task began before there were such settings. */
  startSeconds?: number;
  stopSeconds?: number;
  /** Unguessable: identifies the processes of its starts among those of every Slipway; older tasks have none. */
  nonce?: string;
  package: { source: string; sha256: string; tarSha256: string } | null;
}

/** Time limits for a start to show its process, and for a stop to end it. */
export const secondsOf = ({ startSeconds, stopSeconds }: Pick<SubTaskSetup, 'startSeconds' | 'stopSeconds'>) => ({
  start: startSeconds ?? settingDefaults.startSeconds,
  stop: stopSeconds ?? settingDefaults.stopSeconds,
});

type Seconds = Pick<SettingsInForce, 'startSeconds' | 'stopSeconds'>;

/** Process identification for a new task; defaults without settings. */
export const processSetup = (settings: Seconds | undefined) => ({
  startSeconds: settings?.startSeconds ?? settingDefaults.startSeconds,
  stopSeconds: settings?.stopSeconds ?? settingDefaults.stopSeconds,
  nonce: randomUUID(),
});

type NewSubTask = SubTaskRequest & {
  deployTaskId: number;
  kind: SubTaskKind;
  number: number;
  /** The package as it lies there now; null for a revert. */
  package: { sha256: string; tarSha256: string } | null;
};

/** The sub-task with this number if it exists; else throws Problem if its instances must not be taken. */
export async function beginSubTask(
  db: Kysely<Database>,
  { reach }: Renderer,
  input: Omit<NewSubTask, 'package'>,
): Promise<SubTaskInput | undefined> {
  return db.transaction().execute(async (tx) => {
    const existing = await findSubTask(tx, input);
    if (existing !== undefined) return subTaskInput(tx, existing);
    const { task, plan } = await plannedTask(tx, input.deployTaskId);
    const targets = await lockInstances(tx, task.applicationId, input);
    machinesOf(plan, targets, reach);
    checkKept(targets, input);
    const subject = await loadSubject(tx, input.actor.id);
    await refuseForeignPlace(tx, subject, task.applicationId, input.instanceIds);
    return undefined;
  });
}

/** Creates a sub-task; idempotent by number. Throws Problem if it must not run. */
export async function createSubTask(
  db: Kysely<Database>,
  renderer: Renderer,
  input: NewSubTask,
): Promise<SubTaskInput> {
  return db.transaction().execute(async (tx) => {
    const { task, plan } = await plannedTask(tx, input.deployTaskId);
    const existing = await findSubTask(tx, input);
    if (existing !== undefined) return subTaskInput(tx, existing);
    checkPackage(plan, input);
    const targets = await lockInstances(tx, task.applicationId, input);
    const machines = machinesOf(plan, targets, renderer.reach);
    checkKept(targets, input);
    const id = await insertSubTask(tx, task, plan, input);
    await insertResults(tx, id, targets, machines);
    await insertScripts(tx, renderer, { id, task, plan, targets, version: input.version });
    await tx
      .updateTable('instances')
      .set({ busyKind: input.kind, busyTaskId: id, status: input.kind === 'upgrade' ? 'updating' : 'reverting' })
      .where('id', 'in', input.instanceIds)
      .execute();
    const reason = `${input.kind} to ${input.version} on ${targets.length} instances, task ${id}`;
    const { username, channel } = input.actor;
    await addEvent(tx, {
      kind: deployTable.kind,
      requestId: task.id,
      event: 'sub_task',
      by: username,
      reason,
      channel,
    });
    await recordDeployStep(tx, input.actor, task, 'sub_task', { reason });
    return subTaskInput(tx, id);
  });
}

const findSubTask = (
  tx: Transaction<Database>,
  input: Pick<NewSubTask, 'deployTaskId' | 'number'>,
): Promise<number | undefined> =>
  tx
    .selectFrom('tasks')
    .select('id')
    .where('deployTaskId', '=', input.deployTaskId)
    .where('number', '=', input.number)
    .executeTakeFirst()
    .then((row) => row?.id);

async function plannedTask(
  tx: Transaction<Database>,
  deployTaskId: number,
): Promise<{ task: NamedDeployTask; plan: DeployPlan }> {
  const task = await deployTask(tx, deployTaskId);
  const plan = task && (await presentPlan(tx, task.id, task.planRound));
  if (!task || !plan) throw new Problem('no_such', { thing: 'deploy task', id: deployTaskId });
  return { task, plan };
}

/** Ensures by checksum that the package is the approved one. */
function checkPackage(plan: DeployPlan, { kind, package: found }: NewSubTask): void {
  if (kind === 'revert') return;
  const { sha256, unread } = plan.package;
  if (sha256 === null) throw new Problem('package_unread', { reason: unread ?? 'it was never read' });
  if (found?.sha256 !== sha256) throw new Problem('package_differs', { expected: `sha256 ${sha256}` });
}

/**
 * The machines of instances as the plan names them, by instance; of a plan from before it named any, as they are now. Throws
 * Problem for instances that are not in the plan, and for another machine.
 */
function machinesOf(plan: DeployPlan, targets: readonly PlanTarget[], reach: Reach): Map<number, KeptMachine> {
  const planned = new Map(plan.instances.map((instance) => [instance.instance, instance]));
  const others = targets.filter(({ id }) => !planned.has(id));
  if (others.length > 0) {
    const names = others.map(({ id, hostname }) => `${id} (${hostname})`).join(', ');
    throw new Problem('instance_unplanned', { instances: names });
  }
  return new Map(
    targets.map((target) => {
      const instance = planned.get(target.id);
      const now = machineOf(target, reach);
      const { machine = now } = instance ?? {};
      demandSameMachine(target.hostname, machine, now);
      const url = instance?.machine ? instance.health_url : healthUrlOf(plan.strategy, target);
      return [target.id, { ...machine, ...(url !== undefined && { health_url: url }) }];
    }),
  );
}

async function lockInstances(
  tx: Transaction<Database>,
  applicationId: number,
  input: Pick<NewSubTask, 'instanceIds'>,
): Promise<PlanTarget[]> {
  const locked = await tx
    .selectFrom('instances')
    .select(['id', 'busyTaskId'])
    .where('applicationId', '=', applicationId)
    .where('id', 'in', input.instanceIds)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
  const byId = new Map(locked.map((row) => [row.id, row]));
  for (const id of input.instanceIds) {
    const row = byId.get(id);
    if (!row) throw new Problem('instance_elsewhere', { id });
    if (row.busyTaskId !== null) throw new Problem('instance_busy', { id, task_id: row.busyTaskId });
  }
  const wanted = new Set(input.instanceIds);
  return (await planTargets(tx, applicationId)).filter(({ id }) => wanted.has(id));
}

function checkKept(targets: PlanTarget[], { kind, version }: Pick<NewSubTask, 'kind' | 'version'>): void {
  if (kind === 'upgrade' || targets.every(({ releases }) => releases.includes(version))) return;
  const kept = targets.map(({ id, releases }) => `${id}: ${releases.join(', ') || 'none'}`).join('; ');
  throw new Problem('release_not_kept', { version, kept });
}

async function insertSubTask(
  tx: Transaction<Database>,
  task: NamedDeployTask,
  plan: DeployPlan,
  input: NewSubTask,
): Promise<number> {
  const { updateSource } = input;
  const setup: SubTaskSetup = {
    deployPath: plan.deploy_path,
    runUser: plan.run_user,
    startupCmd: plan.startup_cmd,
    stopCmd: plan.stop_cmd,
    pidPath: plan.pid_path,
    keepBackups: plan.keep_backups,
    ...processSetup({ startSeconds: plan.start_seconds ?? null, stopSeconds: plan.stop_seconds ?? null }),
    package: updateSource !== null && input.package ? { source: updateSource, ...input.package } : null,
  };
  const { id } = await tx
    .insertInto('tasks')
    .values({
      area: 'deploy',
      kind: input.kind,
      deployTaskId: task.id,
      number: input.number,
      applicationId: task.applicationId,
      creator: input.actor.username,
      version: input.version,
      updateSource,
      timeoutSeconds: input.timeoutSeconds,
      opts: json(setup),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

async function insertResults(
  tx: Transaction<Database>,
  taskId: number,
  targets: PlanTarget[],
  machines: ReadonlyMap<number, KeptMachine>,
): Promise<void> {
  const rows = targets.map((target, position) => ({
    taskId,
    position,
    instanceId: target.id,
    hostId: target.hostId,
    hostname: target.hostname,
    machine: json(machines.get(target.id) ?? {}),
    previousVersion: target.version,
    previousStatus:
      (['running', 'unknown'] as const).find((status) => status === target.status) ?? ('stopped' as const),
  }));
  await insertRows(tx, 'taskResults', rows);
}

interface ScriptsOf {
  id: number;
  task: NamedDeployTask;
  plan: DeployPlan;
  targets: PlanTarget[];
  version: string;
}

/** As approved; an instance that changed since the plan sees its present version, rendered from the approved templates. */
async function insertScripts(tx: Transaction<Database>, renderer: Renderer, sub: ScriptsOf): Promise<void> {
  const { id: taskId, task, plan, targets, version } = sub;
  const application = {
    id: task.applicationId,
    name: task.applicationName,
    fullName: task.fullName,
    directory: plan.directory,
  };
  const scope = { task: { ...planSubject(task), version }, application, deployPath: plan.deploy_path };
  const planned = new Map(plan.instances.map((instance) => [instance.instance, instance]));
  const approved = ({ id: instance, version: present }: PlanTarget) => {
    const known = planned.get(instance);
    return known?.present_version === present && version === plan.version ? textsOf(plan, known) : {};
  };
  const rendered = await renderHooks(renderer, plan.hooks, targets, scope, approved);
  const firsts = new Map(plan.hooks.map(({ name }) => [name, new Map<string, number>()]));
  const rows = rendered.flatMap((texts, position) =>
    plan.hooks.flatMap(({ name, script: { language }, runningUser }) => {
      const text = texts[name];
      if (text === undefined) return [];
      const first = firsts.get(name)?.get(text);
      if (first === undefined) firsts.get(name)?.set(text, position);
      const kept = first === undefined ? { content: text, sameAs: null } : { content: null, sameAs: first };
      return [{ taskId, position, step: name, language, runningUser, ...kept }];
    }),
  );
  await insertRows(tx, 'taskScripts', rows);
}

async function subTaskInput(tx: Transaction<Database>, taskId: number): Promise<SubTaskInput> {
  const task = await tx.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirstOrThrow();
  const results = await tx
    .selectFrom('taskResults')
    .selectAll()
    .where('taskId', '=', taskId)
    .orderBy('position')
    .execute();
  const steps = await tx.selectFrom('taskScripts').select('step').distinct().where('taskId', '=', taskId).execute();
  const set = new Set(steps.map(({ step }) => step));
  const setup = task.opts as unknown as SubTaskSetup;
  return {
    taskId,
    deployTaskId: task.deployTaskId ?? 0,
    kind: task.kind === 'upgrade' ? 'upgrade' : 'revert',
    version: task.version ?? '',
    timeoutSeconds: task.timeoutSeconds,
    hooks: hookNames.filter((name: HookName) => set.has(name)),
    instances: results.map(({ position, instanceId, hostname, previousVersion, previousStatus }) => ({
      position,
      instanceId: instanceId ?? 0,
      hostname,
      previousVersion,
      wasRunning: previousStatus === 'running' || setup.stopCmd !== '',
    })),
    seconds: secondsOf(setup),
  };
}
