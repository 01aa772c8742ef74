// What a deploy task will do, computed from the rows as they are now. The API makes it when a task is created, the
// worker makes it again before the start: one composition, so that both see the same plan and hash it the same way.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { refusedNames, rulesOn } from '../../kit/host-rules.ts';
import type { HostRules, Named } from '../../kit/host-rules.ts';
import { plainLine, plainText } from '../../kit/script-text.ts';
import { hookNames, instanceSteps } from '../../workflows/deploy/contract.ts';
import type {
  DeployPlan,
  HookName,
  Level,
  PlannedHook,
  PlannedInstance,
  PlannedPackage,
  RollingStrategy,
  ScriptLanguage,
} from '../../workflows/deploy/contract.ts';
import { Problem } from '../../workflows/problem.ts';
import type { ProblemDetail, Text } from '../../workflows/problem.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { Database } from '../database.ts';
import type { ApplicationRow } from '../inventory.ts';
import { scriptIds, settingsInForce, withSettings } from './settings.ts';
import type { SettingsInForce } from './settings.ts';

export interface RenderItem {
  template: string;
  context: object;
  language: ScriptLanguage;
  free: readonly string[];
}
export type Rendered = { text: string } | { error: { message: string; line: number | null; name: string | null } };
/** What a plan needs from outside; given in, since this room reaches no further than PostgreSQL. */
export interface Renderer {
  /** Renders templates where no code can run. */
  renderAll(items: RenderItem[]): Promise<Rendered[]>;
  /** Where an absolute path of an application lies on a host. */
  hostPath(host: { name: string; runner: string }, path: string): string;
  /** The operator's lists, which a plan keeps to. */
  hostRules: HostRules;
}

/** The task as far as its plan and its hooks see it. */
export interface PlanSubject {
  id: number;
  applicationId: number;
  version: string;
  description: string;
  level: Level;
  creator: string;
  packageSource: string;
  strategy: RollingStrategy | null;
}

export interface PlanTarget {
  id: number;
  version: string | null;
  status: string;
  releases: string[];
  hostId: number;
  hostname: string;
  runner: string;
  address: string;
}

/** SHA-256 of the plan's canonical JSON, hex. */
export const planHash = (plan: DeployPlan): string => createHash('sha256').update(canonicalJson(plan)).digest('hex');

export const unreadPackage = (source: string, unread: string): PlannedPackage => ({
  source,
  sha256: null,
  size: null,
  unread,
});

/** The instances of an application with their hosts, by id. */
export async function planTargets(db: Kysely<Database>, applicationId: number): Promise<PlanTarget[]> {
  const rows = await db
    .selectFrom('instances')
    .innerJoin('hosts', 'hosts.id', 'instances.hostId')
    .where('instances.applicationId', '=', applicationId)
    .select(['instances.id', 'instances.version', 'instances.status', 'instances.releases', 'hosts.ipAddress'])
    .select(['hosts.id as hostId', 'hosts.name as hostname', 'hosts.runner'])
    .orderBy('instances.id')
    .execute();
  return rows.map(({ ipAddress, ...row }) => ({ ...row, address: ipAddress[0]?.address ?? '' }));
}

/** What a plan is made of besides the task: the application and its settings in force. */
export interface PlanBasis {
  application: ApplicationRow;
  settings: SettingsInForce;
}

export async function planBasis(db: Kysely<Database>, applicationId: number): Promise<PlanBasis> {
  const of = db.selectFrom('applications').where('applications.id', '=', applicationId);
  const row = await withSettings(of.selectAll('applications')).executeTakeFirstOrThrow();
  return { application: row, settings: settingsInForce(row, row) };
}

/**
 * Throws Problem `invalid`: naming script, line and name when a hook cannot be rendered, and the field for paths and users that
 * the operator's lists do not allow.
 */
export async function composePlan(
  db: Kysely<Database>,
  renderer: Renderer,
  task: PlanSubject,
  planned: PlannedPackage,
  { application, settings }: PlanBasis,
): Promise<DeployPlan> {
  const hooks = await plannedHooks(db, settings);
  const targets = await planTargets(db, task.applicationId);
  demandAllowedNames(rulesOn(renderer.hostRules, targets), task, { application, settings }, hooks);
  const scope = { task, application, deployPath: settings.deployPath };
  const rendered = await renderHooks(renderer, hooks, targets, scope);
  return {
    version: task.version,
    directory: application.directory,
    deploy_path: settings.deployPath,
    run_user: application.runUser,
    startup_cmd: plainLine(application.startupCmd),
    stop_cmd: plainLine(application.stopCmd),
    pid_path: application.pidPath,
    keep_backups: settings.keepBackups,
    ...plannedSeconds(settings),
    package: { ...planned, ...plannedRepository(settings) },
    hooks,
    instances: targets.map((target, index) => plannedInstance(task.version, target, hooks, rendered[index] ?? {})),
    ...(task.strategy && { strategy: task.strategy, timeout: settings.timeoutSeconds }),
  };
}

/** What stands in the rows may be older than the operator's lists. */
function demandAllowedNames(
  rules: HostRules,
  task: PlanSubject,
  { application, settings }: PlanBasis,
  hooks: readonly PlannedHook[],
): void {
  const details = refusedNames(rules, [
    { field: 'deploy_path', kind: 'deploy', value: settings.deployPath },
    { field: 'pid_path', kind: 'pid', value: application.pidPath },
    { field: 'run_user', kind: 'user', value: application.runUser },
    { field: 'package_source', kind: 'package', value: settings.repository ? null : task.packageSource },
    ...hooks.map(({ name, runningUser }): Named => ({
      field: `lifecycle_hooks.${name}.running_user`,
      kind: 'user',
      value: runningUser,
    })),
  ]);
  if (details.length > 0) throw new Problem('invalid', {}, details);
}
/** Left out where nobody has set them: the plans of tasks that wait, and so the votes, stay what they are. */
const plannedSeconds = ({
  startSeconds,
  stopSeconds,
}: SettingsInForce): Pick<DeployPlan, 'start_seconds' | 'stop_seconds'> => ({
  ...(startSeconds !== null && { start_seconds: startSeconds }),
  ...(stopSeconds !== null && { stop_seconds: stopSeconds }),
});

type Origin = Pick<PlannedPackage, 'repository'>;

/** Where the package comes from, as far as approvers may know. */
export function plannedRepository({ repository }: Pick<SettingsInForce, 'repository'>): Origin {
  if (!repository) return {};
  const { type, url, branch, encoding } = repository;
  return { repository: { type, url, ...(branch !== undefined && { branch }), ...(encoding && { encoding }) } };
}

/** Whether two packages come from the same repository, or both from the hosts. */
export const sameRepository = (one: Origin, other: Origin): boolean =>
  canonicalJson(one.repository ?? null) === canonicalJson(other.repository ?? null);

function plannedInstance(
  version: string,
  target: PlanTarget,
  hooks: PlannedHook[],
  rendered: Partial<Record<HookName, string>>,
): PlannedInstance {
  const named = new Set<string>(hooks.map(({ name }) => name));
  const skipped = (step: string): boolean =>
    (step.endsWith('_exec') && !named.has(step)) || (step === 'stop' && target.status !== 'running');
  return {
    instance: target.id,
    hostname: target.hostname,
    present_version: target.version,
    new_version: version,
    steps: instanceSteps.filter((step) => !skipped(step)),
    hooks: rendered,
  };
}

async function plannedHooks(db: Kysely<Database>, settings: SettingsInForce): Promise<PlannedHook[]> {
  const ids = scriptIds(settings.hooks);
  if (ids.length === 0) return [];
  const scripts = await db.selectFrom('deployScripts').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(scripts.map((script) => [script.id, script]));
  return hookNames.flatMap((name): PlannedHook[] => {
    const hook = settings.hooks[name];
    const script = hook && byId.get(hook.script.id);
    if (!script) return [];
    const { id, language, content } = script;
    return [
      {
        name,
        script: { id, name: script.name, language, template: plainText(content) },
        runningUser: hook.running_user ?? settings.hooks.running_user ?? settings.scriptRunningUser,
      },
    ];
  });
}

export interface HookScope {
  task: PlanSubject;
  application: Pick<ApplicationRow, 'id' | 'name' | 'fullName' | 'directory'>;
  deployPath: string;
}

type HookTexts = Partial<Record<HookName, string>>;

/**
 * Per target the text of each hook; the global ones on the first target only. `known` are texts of a target that need not be
 * rendered.
 */
export async function renderHooks(
  renderer: Renderer,
  hooks: PlannedHook[],
  targets: PlanTarget[],
  scope: HookScope,
  known: (target: PlanTarget) => HookTexts = () => ({}),
): Promise<HookTexts[]> {
  const hooksOf = (index: number): PlannedHook[] =>
    hooks.filter(({ name }) => index === 0 || !name.startsWith('global_'));
  const results = targets.map((target, index): HookTexts => {
    const texts = known(target);
    return Object.fromEntries(hooksOf(index).flatMap(({ name }) => (name in texts ? [[name, texts[name]]] : [])));
  });
  const wanted = targets.flatMap((target, index) =>
    hooksOf(index)
      .filter(({ name }) => results[index]?.[name] === undefined)
      .map((hook) => ({ hook, target, index })),
  );
  if (wanted.length === 0) return results;
  const rendered = await renderer.renderAll(
    wanted.map(({ hook, target }) => ({
      template: hook.script.template,
      context: hookContext(renderer, scope, target),
      language: hook.script.language,
      free: freeText,
    })),
  );
  const details: ProblemDetail[] = [];
  wanted.forEach(({ hook, index }, position) => {
    const result = rendered[position];
    if (!result) return;
    if ('text' in result) Object.assign(results[index] ?? {}, { [hook.name]: result.text });
    else details.push({ field: `lifecycle_hooks.${hook.name}`, message: renderMessage(hook, result.error) });
  });
  if (details.length > 0) throw new Problem('invalid', {}, uniqueDetails(details));
  return results;
}

/** The names that hold what whoever asks for a deployment writes freely; scripts may put them out quoted only. */
export const freeText: readonly string[] = ['task.description'];

const hookContext = (renderer: Renderer, { task, application, deployPath }: HookScope, target: PlanTarget): object => ({
  application: {
    id: application.id,
    name: application.name,
    full_name: application.fullName,
    directory: application.directory,
  },
  instance: { id: target.id, hostname: target.hostname },
  host: { id: target.hostId, name: target.hostname, ip: target.address },
  task: {
    id: task.id,
    version: task.version,
    description: task.description,
    level: task.level,
    creator: task.creator,
  },
  version: task.version,
  previous_version: target.version ?? '',
  deploy_path: renderer.hostPath({ name: target.hostname, runner: target.runner }, deployPath),
});

function renderMessage(
  { script }: PlannedHook,
  { message, line, name }: { message: string; line: number | null; name: string | null },
): Text {
  const mistake = name === null ? message : `unknown name "${name}"`;
  return line === null ? `script "${script.name}": ${mistake}` : `script "${script.name}", line ${line}: ${mistake}`;
}

/** A mistake in a script shows once, not once for each instance. */
function uniqueDetails(details: ProblemDetail[]): ProblemDetail[] {
  return [...new Map(details.map((detail) => [`${detail.field}\n${detail.message}`, detail])).values()];
}

/** What differs between two plans, in words for the person who approved the first one; null: nothing. */
export function planDifference(before: DeployPlan, after: DeployPlan): string | null {
  if (planHash(before) === planHash(after)) return null;
  const changed: string[] = [];
  const plain = [
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
  for (const key of plain) if (before[key] !== after[key]) changed.push(key);
  const rollout = ({ strategy, timeout }: DeployPlan): string => canonicalJson([strategy ?? null, timeout ?? null]);
  if (rollout(before) !== rollout(after)) changed.push('the strategy');
  if (!sameRepository(before.package, after.package)) changed.push('the repository');
  const content = ({ package: { sha256, notes } }: DeployPlan): string => canonicalJson([sha256, notes ?? []]);
  if (content(before) !== content(after)) changed.push('the package');
  for (const name of hookNames) {
    const text = (plan: DeployPlan): string =>
      canonicalJson([
        plan.hooks.find((hook) => hook.name === name) ?? null,
        plan.instances.map(({ hooks }) => hooks[name] ?? null),
      ]);
    if (text(before) !== text(after)) changed.push(`hook ${name}`);
  }
  const places = ({ instances }: DeployPlan): string => canonicalJson(instances.map(({ hooks: _, ...place }) => place));
  if (places(before) !== places(after)) changed.push('the instances or their versions');
  return changed.length > 0 ? changed.join(', ') : 'the plan';
}
