// Computes a deploy task's plan from the current rows. The API does so when a task is created, the worker again before the
// start: one function, so that both get the same plan and hash.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { healthUrl } from '../../kit/health-url.ts';
import { refusedNames, rulesOn } from '../../kit/host-rules.ts';
import type { HostRules, Named } from '../../kit/host-rules.ts';
import type { Rendered, RenderItem } from '../../kit/jinja/index.ts';
import { plainLine, plainText } from '../../kit/script-text.ts';
import { hookNames, instanceSteps, mostPlanBytes } from '../../workflows/deploy/contract.ts';
import type {
  DeployPlan,
  Level,
  PlannedCredential,
  PlannedHook,
  PlannedInstance,
  PlannedPackage,
  RollingStrategy,
} from '../../workflows/deploy/contract.ts';
import { Problem, sentence } from '../../workflows/problems/problem.ts';
import type { ProblemDetail } from '../../workflows/problems/problem.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Database } from '../database.ts';
import type { ApplicationRow } from '../inventory/tables.ts';
import { machineOf } from './machines.ts';
import type { Reach, ReachedHost } from './machines.ts';
import { demandSize, textsTooLarge } from './plan-size.ts';
import { TextCollection } from './plan-texts.ts';
import type { HookTexts } from './plan-texts.ts';
import type { StoredCredential } from './repository.ts';
import { scriptIds, settingsInForce, withSettings } from './settings.ts';
import type { SettingsInForce } from './settings.ts';
import { msg, type Message } from '../../kit/messages/message.ts';

/** External dependencies of a plan, injected since this room only accesses PostgreSQL. */
export interface Renderer {
  /** Renders templates where no code can run. Fewer results than items: all together would be longer than `mostBytes`. */
  renderAll(items: RenderItem[], mostBytes: number): Promise<Rendered[]>;
  /** Where an absolute path of an application lies on a host. */
  hostPath(host: { name: string; runner: string }, path: string): string;
  /** The operator's lists, which a plan must comply with. */
  hostRules: HostRules;
  /** How machines are reached. */
  reach: Reach;
}

/** The fields of a task that its plan and hooks use. */
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

export interface PlanTarget extends ReachedHost {
  id: number;
  version: string | null;
  status: string;
  releases: string[];
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
    .select(['hosts.id as hostId', 'hosts.name as hostname', 'hosts.runner', 'hosts.minionId'])
    .orderBy('instances.id')
    .execute();
  return rows.map(({ ipAddress, ...row }) => ({ ...row, address: ipAddress[0]?.address ?? '' }));
}

/** Inputs of a plan besides the task: the application and its effective settings. */
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
 * Throws Problem `invalid`: naming script, line and name when a hook cannot be rendered, the field for paths and users that
 * the operator's lists do not allow, and what is large in a plan of more than 8 MiB.
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
  const texts = new TextCollection();
  const planner = { version: task.version, hooks, strategy: task.strategy, reach: renderer.reach };
  const plan: DeployPlan = {
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
    instances: targets.map((target, index) => plannedInstance(planner, target, texts.keep(rendered[index] ?? {}))),
    hook_texts: texts.byHash,
    ...(task.strategy && { strategy: task.strategy, timeout: settings.timeoutSeconds }),
  };
  demandSize(plan);
  return plan;
}

/** Stored rows may be older than the operator's lists. */
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
/** Omitted unless set, so that the plans of waiting tasks, and so their votes, stay unchanged. */
const plannedSeconds = ({
  startSeconds,
  stopSeconds,
}: SettingsInForce): Pick<DeployPlan, 'start_seconds' | 'stop_seconds'> => ({
  ...(startSeconds !== null && { start_seconds: startSeconds }),
  ...(stopSeconds !== null && { stop_seconds: stopSeconds }),
});

/** Where the package comes from, as far as approvers may know. */
function plannedRepository({ repository }: SettingsInForce): Pick<PlannedPackage, 'repository'> {
  if (!repository) return {};
  const { type, url, branch, encoding, credential } = repository;
  return {
    repository: {
      type,
      url,
      ...(branch !== undefined && { branch }),
      ...(encoding && { encoding }),
      credential: plannedCredential(credential),
    },
  };
}

function plannedCredential(stored: StoredCredential): PlannedCredential | null {
  if (!stored) return null;
  return 'secret' in stored ? { type: stored.type, username: stored.username } : { id: stored.id };
}

interface Planner {
  version: string;
  hooks: readonly PlannedHook[];
  strategy: RollingStrategy | null;
  reach: Reach;
}

/** `hooks` are the hashes of its texts. */
function plannedInstance(
  { version, hooks: planned, strategy, reach }: Planner,
  target: PlanTarget,
  hooks: HookTexts,
): PlannedInstance {
  const named = new Set<string>(planned.map(({ name }) => name));
  const skipped = (step: string): boolean =>
    (step.endsWith('_exec') && !named.has(step)) || (step === 'stop' && target.status !== 'running');
  const url = healthUrlOf(strategy, target);
  return {
    instance: target.id,
    hostname: target.hostname,
    machine: machineOf(target, reach),
    present_version: target.version,
    new_version: version,
    steps: instanceSteps.filter((step) => !skipped(step)),
    hooks,
    ...(url !== undefined && { health_url: url }),
  };
}

/** What the health check of a rollout calls for an instance; null: its host has no address. Undefined: it calls none. */
export function healthUrlOf(
  strategy: RollingStrategy | null | undefined,
  { hostname, address }: ReachedHost,
): string | null | undefined {
  const check = strategy?.health_check;
  return check && 'url' in check ? healthUrl(check.url, { hostname, ip: address || null }) : undefined;
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

interface HookScope {
  task: PlanSubject;
  application: Pick<ApplicationRow, 'id' | 'name' | 'fullName' | 'directory'>;
  deployPath: string;
}

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
    mostPlanBytes,
  );
  if (rendered.length < wanted.length) throw textsTooLarge(bytesByHook(wanted, rendered));
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

/** How long what was rendered is, by hook; a text that instances share counts once. */
function bytesByHook(
  wanted: readonly { hook: PlannedHook }[],
  rendered: readonly Rendered[],
): Map<PlannedHook, number> {
  const bytes = new Map<PlannedHook, number>();
  const seen = new Set<string>();
  wanted.slice(0, rendered.length).forEach(({ hook }, index) => {
    const result = rendered[index];
    if (!result || !('text' in result) || seen.has(result.text)) return;
    seen.add(result.text);
    bytes.set(hook, (bytes.get(hook) ?? 0) + Buffer.byteLength(result.text));
  });
  return bytes;
}

/** Names of values written freely by the requester of a deploy; scripts may only print them quoted. */
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
): Message {
  const mistake = name === null ? sentence(message) : msg('unknown_name', { name });
  const at = { name: script.name, mistake };
  return line === null ? msg('in_script', at) : msg('in_script_at_line', { ...at, line });
}

/** Reports a mistake in a script once, not once per instance. */
function uniqueDetails(details: ProblemDetail[]): ProblemDetail[] {
  return [...new Map(details.map((detail) => [JSON.stringify(detail), detail])).values()];
}
