// Compares two plans of a task, and describes the difference. An older plan, without machines or with inline texts, is
// compared only by the fields it has: its hash, and so the votes, stay valid.
import { isDeepStrictEqual } from 'node:util';
import { hookNames } from '../../workflows/deploy/contract.ts';
import type { DeployPlan, PlannedInstance, PlannedPackage } from '../../workflows/deploy/contract.ts';
import { isSameMachine } from './machines.ts';
import { textsOf } from './plan-texts.ts';
import { listOf } from '../../workflows/problems/problem.ts';
import { asItIs, msg, type Message } from '../../kit/messages/message.ts';

type Origin = Pick<PlannedPackage, 'repository'>;

/** A plan in the form that another one was made in: what that form does not name is left out. */
function inFormOf(before: DeployPlan, plan: DeployPlan): DeployPlan {
  if (before.hook_texts !== undefined || plan.hook_texts === undefined) return plan;
  const { hook_texts: _texts, instances, package: planned, ...rest } = plan;
  return {
    ...rest,
    package: withoutCredential(planned),
    instances: instances.map((instance) => {
      const { machine: _machine, health_url: _url, ...place } = instance;
      return { ...place, hooks: textsOf(plan, instance) };
    }),
  };
}

function withoutCredential({ repository, ...planned }: PlannedPackage): PlannedPackage {
  if (!repository) return planned;
  const { credential: _, ...address } = repository;
  return { ...planned, repository: address };
}

/** The differences between two plans, for the approver of the first one; null: none. */
export function planDifference(before: DeployPlan, made: DeployPlan): Message | null {
  const after = inFormOf(before, made);
  if (isDeepStrictEqual(before, after)) return null;
  const differs = (part: (plan: DeployPlan) => unknown): boolean => !isDeepStrictEqual(part(before), part(after));
  const changed = plainFields.filter((field) => before[field] !== after[field]).map(asItIs);
  for (const [name, part] of parts) if (differs(part)) changed.push(name);
  for (const name of hookNames) if (differs((plan) => hookOf(plan, name))) changed.push(msg('differs_hook', { name }));
  if (differs(({ instances }) => instances.map(placeOf))) changed.push(msg('differs_instances'));
  if (differs(({ instances }) => instances.map(urlOf))) changed.push(msg('differs_health_check'));
  const machines = otherMachines(before, after);
  if (machines.length > 0) changed.push(msg('differs_machines', { names: machines }));
  return changed.length > 0 ? listOf(changed) : msg('differs_plan');
}

const plainFields = [
  'directory',
  'deploy_path',
  'run_user',
  'startup_cmd',
  'stop_cmd',
  'pid_path',
  'keep_backups',
  'start_seconds',
  'stop_seconds',
] as const;

const parts: [Message, (plan: DeployPlan) => unknown][] = [
  [msg('differs_strategy'), ({ strategy, timeout }) => [strategy ?? null, timeout ?? null]],
  [msg('differs_repository'), ({ package: { repository } }: { package: Origin }) => repository ?? null],
  [msg('differs_package'), ({ package: { sha256, notes } }) => [sha256, notes ?? []]],
];

/** A hook with its rendered texts, given by hash. */
const hookOf = ({ hooks, instances }: DeployPlan, name: (typeof hookNames)[number]): unknown => [
  hooks.find((hook) => hook.name === name) ?? null,
  instances.map((instance) => instance.hooks[name] ?? null),
];

/** Where an instance is and what it goes through. */
function placeOf({ hooks: _hooks, machine: _machine, health_url: _url, ...place }: PlannedInstance): object {
  return place;
}

const urlOf = ({ instance, health_url: url }: PlannedInstance): unknown => [instance, url ?? null];

const mostNamed = 5;

/** Instances of both plans that have moved to another machine. */
function otherMachines(before: DeployPlan, after: DeployPlan): Message[] {
  const known = new Map(before.instances.map(({ instance, machine }) => [instance, machine]));
  const names = after.instances.flatMap(({ instance, machine, hostname }) => {
    const planned = known.get(instance);
    return planned && machine && !isSameMachine(planned, machine) ? [hostname] : [];
  });
  const rest = names.length - mostNamed;
  const named = names.slice(0, rest > 0 ? mostNamed : undefined).map(asItIs);
  return rest > 0 ? [...named, msg('and_more', { n: rest })] : named;
}
