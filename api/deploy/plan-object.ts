import { z } from 'zod';
import { planDifference } from '../../db/deploy/plan.ts';
import { settingDefaults } from '../../db/deploy/settings.ts';
import { presentPlan } from '../../db/deploy/tasks.ts';
import type { NamedDeployTask } from '../../db/deploy/tasks.ts';
import { repositoryEncodings, repositoryTypes } from '../../kit/repository-address.ts';
import { batchesOf, hookNames, scriptLanguages } from '../../workflows/deploy/contract.ts';
import type { DeployPlan, PackageNote } from '../../workflows/deploy/contract.ts';
import type { Text } from '../../workflows/problem.ts';
import type { Ctx } from '../context.ts';
import { said } from '../said.ts';
import { plannedSteps, shownSteps } from './plan-steps.ts';
import { strategyObject } from './strategy.ts';

const hookTexts = z.partialRecord(z.enum(hookNames), z.string());

/** What a deploy task will do. */
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
      })
      .nullable(),
    sha256: z.string().nullable(),
    size: z.int().nullable(),
    unread: z.string().nullable(),
    notes: z.array(z.string()),
  }),
  hooks: z.array(
    z.object({
      name: z.enum(hookNames),
      script: z.object({ id: z.int(), name: z.string(), language: z.enum(scriptLanguages), template: z.string() }),
      running_user: z.string().nullable(),
    }),
  ),
  instances: z.array(
    z.object({
      instance: z.int(),
      hostname: z.string(),
      present_version: z.string().nullable(),
      new_version: z.string(),
      ...plannedSteps,
      hooks: hookTexts,
    }),
  ),
  strategy: strategyObject.optional(),
  timeout: z.int().optional(),
  batches: z.array(z.array(z.int())),
  changed_since_approval: z.string().nullable(),
});

/** What the reading of a package decided, for those who know what it should hold. */
function noteText({ note, count, example }: PackageNote): Text {
  switch (note) {
    case 'gbk_names':
      return `names were not UTF-8 and were read as GBK: ${count}, such as "${example}"`;
    case 'ambiguous_names':
      return `names may be UTF-8 or GBK and were read as UTF-8: ${count}, such as "${example}"`;
    case 'repeated_entries':
      return `entries come more than once, and the last counts: ${count}, such as "${example}"`;
  }
}

/** The plan of the present round; `changed_since_approval` says what another round before it had otherwise. */
export async function presentPlanObject(
  ctx: Ctx,
  task: NamedDeployTask,
  plan: DeployPlan,
): Promise<z.input<typeof planObject>> {
  const before = task.planRound > 1 ? await presentPlan(ctx.db, task.id, task.planRound - 1) : undefined;
  const difference = before ? planDifference(before, plan) : null;
  const { directory: _, hooks, ...rest } = plan;
  const ids = plan.instances.map(({ instance }) => instance);
  return {
    plan_hash: task.planHash,
    ...rest,
    start_seconds: plan.start_seconds ?? settingDefaults.startSeconds,
    stop_seconds: plan.stop_seconds ?? settingDefaults.stopSeconds,
    package: {
      ...plan.package,
      repository: plan.package.repository ?? null,
      notes: (plan.package.notes ?? []).map((note) => said(ctx, noteText(note))),
    },
    instances: plan.instances.map((instance) => ({ ...instance, ...shownSteps(ctx, plan, instance) })),
    hooks: hooks.map(({ runningUser, ...hook }) => ({ ...hook, running_user: runningUser })),
    batches: rest.strategy ? batchesOf(ids, rest.strategy) : [ids],
    changed_since_approval: difference === null ? null : said(ctx, difference),
  };
}
