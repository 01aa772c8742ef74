// Limits the size of plans: every reader gets them whole or in pages, and the hash covers all of it.
import { mostPlanBytes } from '../../workflows/deploy/contract.ts';
import type { DeployPlan, PlannedHook } from '../../workflows/deploy/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { msg } from '../../kit/messages/message.ts';

const mostMib = mostPlanBytes / 1024 / 1024;
const kib = (bytes: number): number => Math.ceil(bytes / 1024);

/** Of a plan whose hooks render to too much; `bytes` are those of each hook so far. */
export function textsTooLarge(bytes: ReadonlyMap<PlannedHook, number>): Problem {
  const [largest] = [...bytes].sort(([, one], [, other]) => other - one);
  if (!largest) return new Problem('invalid');
  const [{ name, script }, size] = largest;
  const message = msg('plan_too_large_script', { name: script.name, n: kib(size), limit: mostMib });
  return new Problem('invalid', {}, [{ field: `lifecycle_hooks.${name}`, message }]);
}

/** Throws Problem `invalid` naming the largest part of a plan that is too large. */
export function demandSize(plan: DeployPlan): void {
  const sizes = Object.entries(plan).map(([part, value]): [string, number] => [part, bytesOf(value)]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  if (total <= mostPlanBytes) return;
  const [part, size] = sizes.sort(([, one], [, other]) => other - one)[0] ?? ['', 0];
  const message = msg('plan_too_large_part', { part, n: kib(size), limit: mostMib });
  throw new Problem('invalid', {}, [{ field: part === 'hook_texts' ? 'lifecycle_hooks' : part, message }]);
}

const bytesOf = (value: unknown): number => Buffer.byteLength(canonicalJson(value));
