// Steps of a plan for readers. An instance recorded as running has `stop` among its steps; for the others the host is probed
// at run time. That follows from the approved commands and the recorded status, so it is shown here and not part of the
// plan: adding it would have changed the plans, and voided the votes, of all waiting tasks.
import { z } from 'zod';
import { instanceSteps } from '../../workflows/deploy/contract.ts';
import type { DeployPlan, InstanceStep, PlannedInstance } from '../../workflows/deploy/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { said } from '../operations/translate.ts';
import { msg } from '../../kit/messages/message.ts';

/** Steps in order, with the condition of each conditional one. */
export const plannedSteps = {
  steps: z.array(z.string()),
  conditions: z.partialRecord(z.enum(instanceSteps), z.string()),
};

interface ShownSteps {
  steps: string[];
  conditions: Partial<Record<InstanceStep, string>>;
}

/** The steps of an instance, including `stop` if its host decides. */
export function shownSteps(ctx: Ctx, plan: DeployPlan, { steps }: PlannedInstance): ShownSteps {
  if (plan.stop_cmd === '' || steps.includes('stop')) return { steps, conditions: {} };
  const stop = plan.pid_path === '' ? msg('stop_to_be_sure') : msg('stop_asks_host');
  return {
    steps: instanceSteps.filter((step) => step === 'stop' || steps.includes(step)),
    conditions: { stop: said(ctx, stop) },
  };
}
