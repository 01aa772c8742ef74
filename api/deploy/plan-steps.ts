// The steps of a plan as people read them. What is recorded as running has `stop` among its steps; for the rest its host is
// asked when the time comes, which follows from what is approved (the commands, and what is recorded) and is said here. It is
// no part of the plan itself: that would have changed the plans, and voided the votes, of all tasks that were waiting.
import { z } from 'zod';
import { instanceSteps } from '../../workflows/deploy/contract.ts';
import type { DeployPlan, InstanceStep, PlannedInstance } from '../../workflows/deploy/contract.ts';
import type { Text } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { said } from '../operations/translate.ts';

/** Steps in their order, and for those that depend on something on what. */
export const plannedSteps = {
  steps: z.array(z.string()),
  conditions: z.partialRecord(z.enum(instanceSteps), z.string()),
};

interface ShownSteps {
  steps: string[];
  conditions: Partial<Record<InstanceStep, string>>;
}

/** What an instance goes through, `stop` included where its host decides. */
export function shownSteps(ctx: Ctx, plan: DeployPlan, { steps }: PlannedInstance): ShownSteps {
  if (plan.stop_cmd === '' || steps.includes('stop')) return { steps, conditions: {} };
  const stop: Text =
    plan.pid_path === ''
      ? 'not recorded as running, and no pid_path tells: the command is run to be sure if there is a release, and may fail'
      : 'not recorded as running: its host is asked, and it is stopped only if it runs';
  return {
    steps: instanceSteps.filter((step) => step === 'stop' || steps.includes(step)),
    conditions: { stop: said(ctx, stop) },
  };
}
