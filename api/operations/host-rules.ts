// Paths and users that a body names on hosts must comply with the operator's lists, in whichever field they are.
import { refusedNames, rulesOn } from '../../kit/host-rules.ts';
import type { Named } from '../../kit/host-rules.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from './context.ts';

/** Throws `invalid` for every path and user that the operator's lists do not allow, on these hosts if they are known. */
export function demandAllowedNames(
  { config: { hostRules } }: Pick<Ctx, 'config'>,
  named: readonly Named[],
  on: readonly { runner: string }[] = [],
): void {
  const details = refusedNames(rulesOn(hostRules, on), named);
  if (details.length > 0) throw new Problem('invalid', {}, details);
}
