import { z } from 'zod';
import { planDifference } from '../../db/deploy/plan-difference.ts';
import { TextCollection, textsOf } from '../../db/deploy/plan-texts.ts';
import { settingDefaults } from '../../db/deploy/settings.ts';
import { presentPlan } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { repositoryEncodings, repositoryTypes } from '../../kit/repository-address.ts';
import { batchesOf, hookNames, scriptLanguages } from '../../workflows/deploy/contract.ts';
import type { DeployPlan, PackageNote, PlannedInstance, PlannedPackage } from '../../workflows/deploy/contract.ts';
import { runnerNames } from '../../workflows/hosts/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { link } from '../operations/list.ts';
import type { PageRequest } from '../operations/list.ts';
import { said } from '../operations/translate.ts';
import { plannedSteps, shownSteps } from './plan-steps.ts';
import { strategyObject } from './strategy.ts';
import { msg, type Message } from '../../kit/messages/message.ts';

const textHashes = z
  .partialRecord(z.enum(hookNames), z.string())
  .describe('by hook, the SHA-256 of its text in hook_texts');

const machine = z
  .object({
    host: z.int(),
    runner: z.enum(runnerNames),
    address: z.string().nullable(),
    port: z.int().nullable(),
    minion: z.string().nullable(),
    worker: z.string().nullable(),
  })
  .nullable()
  .describe('how its runner reaches it; null in older plans');

/** The plan of a deploy task. */
export const planObject = z.object({
  plan_hash: z.string().nullable(),
  version: z.string(),
  deploy_path: z.string(),
  run_user: z.string(),
  startup_cmd: z.string(),
  stop_cmd: z.string(),
  pid_path: z.string(),
  keep_backups: z.int(),
  start_seconds: z.int(),
  stop_seconds: z.int(),
  package: z.object({
    source: z.string(),
    repository: z
      .object({
        type: z.enum(repositoryTypes),
        url: z.string(),
        branch: z.string().optional(),
        encoding: z.enum(repositoryEncodings).optional(),
        credential: z
          .object({ id: z.int().nullable(), username: z.string().nullable() })
          .nullable()
          .describe('a stored credential by its id, or the user of one that is stored with the repository'),
      })
      .nullable(),
    sha256: z.string().nullable(),
    size: z.int().nullable(),
    unread: z.string().nullable().describe('why it cannot be read'),
    notes: z.array(z.string()),
  }),
  unread: z.boolean().describe('its package could not be read: nobody can vote on it, and it cannot be started'),
  hooks: z.array(
    z.object({
      name: z.enum(hookNames),
      script: z.object({ id: z.int(), name: z.string(), language: z.enum(scriptLanguages), template: z.string() }),
      running_user: z.string().nullable(),
    }),
  ),
  count: z.int().describe('instances of the whole plan'),
  prev: z.string().nullable(),
  next: z.string().nullable(),
  instances: z.array(
    z.object({
      instance: z.int(),
      hostname: z.string(),
      machine,
      present_version: z.string().nullable(),
      new_version: z.string(),
      ...plannedSteps,
      hooks: textHashes,
      health_url: z.string().nullable().describe('the address that the health check of a rollout calls'),
    }),
  ),
  hook_texts: z.record(z.string(), z.string()).describe('rendered texts of the hooks of these instances, by SHA-256'),
  strategy: strategyObject.optional(),
  timeout: z.int().optional(),
  batches: z.array(z.array(z.int())),
  changed_since_approval: z.string().nullable(),
});

/** The result of inspecting a package, for readers who know its expected content. */
function noteText({ note, count, example }: PackageNote): Message {
  switch (note) {
    case 'gbk_names':
      return msg('names_read_as_gbk', { n: count, name: example });
    case 'ambiguous_names':
      return msg('names_read_as_utf8', { n: count, name: example });
    case 'repeated_entries':
      return msg('entries_repeated', { n: count, name: example });
  }
}

/** A page of the current round's plan; `changed_since_approval` lists differences from an earlier round. */
export async function presentPlanObject(
  ctx: Ctx,
  task: NamedDeployTask,
  plan: DeployPlan,
  { page, pageSize }: PageRequest,
): Promise<z.input<typeof planObject>> {
  const before = task.planRound > 1 ? await presentPlan(ctx.db, task.id, task.planRound - 1) : undefined;
  const difference = before ? planDifference(before, plan) : null;
  const { directory: _, hooks, ...rest } = plan;
  const ids = plan.instances.map(({ instance }) => instance);
  const pages = Math.ceil(ids.length / pageSize);
  const texts = new TextCollection();
  const shown = plan.instances.slice((page - 1) * pageSize, page * pageSize);
  return {
    plan_hash: task.planHash,
    ...rest,
    start_seconds: plan.start_seconds ?? settingDefaults.startSeconds,
    stop_seconds: plan.stop_seconds ?? settingDefaults.stopSeconds,
    package: {
      ...plan.package,
      repository: shownRepository(plan.package),
      notes: (plan.package.notes ?? []).map((note) => said(ctx, noteText(note))),
    },
    unread: task.planHash !== null && plan.package.sha256 === null,
    count: ids.length,
    prev: page > 1 && pages > 0 ? link(ctx, Math.min(page - 1, pages)) : null,
    next: page < pages ? link(ctx, page + 1) : null,
    instances: shown.map((instance) => ({
      ...instance,
      ...shownSteps(ctx, plan, instance),
      machine: shownMachine(instance),
      hooks: texts.keep(textsOf(plan, instance)),
      health_url: instance.health_url ?? null,
    })),
    hook_texts: texts.byHash,
    hooks: hooks.map(({ runningUser, ...hook }) => ({ ...hook, running_user: runningUser })),
    batches: rest.strategy ? batchesOf(ids, rest.strategy) : [ids],
    changed_since_approval: difference === null ? null : said(ctx, difference),
  };
}

function shownRepository({ repository }: PlannedPackage): z.input<typeof planObject>['package']['repository'] {
  if (!repository) return null;
  const { credential } = repository;
  if (!credential) return { ...repository, credential: null };
  const byId = 'id' in credential;
  const shown = { id: byId ? credential.id : null, username: byId ? null : credential.username };
  return { ...repository, credential: shown };
}

function shownMachine({ machine: planned }: PlannedInstance): z.input<typeof machine> {
  return planned ? { address: null, port: null, minion: null, worker: null, ...planned } : null;
}
