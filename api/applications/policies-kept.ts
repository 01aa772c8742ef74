// Approval policies follow an application's place. Users who may write policies may move it out of them; for others a move
// must neither replace one policy by another, nor weaken the built-in one.
import { appliedBelow, builtInApprovals, choosePolicy, findPolicy } from '../../db/approvals/policies.ts';
import type { Applied } from '../../db/approvals/policies.ts';
import { requiredVotes } from '../../workflows/approvals/quorum.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';

const keyOf = ({ applicationId, kind, level }: Applied): string => `${applicationId} ${kind} ${level ?? ''}`;

/** Moves applications (the tree is locked), and throws afterwards if that changed a policy. */
export async function keepingPolicies(
  ctx: ChangeCtx,
  applicationIds: readonly number[],
  move: () => Promise<void>,
): Promise<void> {
  if (ctx.subject.isAdmin || applicationIds.length === 0) return move();
  const before = await appliedBelow(ctx.tx, applicationIds);
  await move();
  const after = new Map((await appliedBelow(ctx.tx, applicationIds)).map((one) => [keyOf(one), one.policyId]));
  for (const one of before) {
    const now = after.get(keyOf(one)) ?? null;
    if (now !== one.policyId && (one.policyId !== null || (await isWeaker(ctx, one)))) throw await left(ctx, one);
  }
}

/** Whether the policy in effect requires less than the built-in one. */
async function isWeaker({ tx }: ChangeCtx, { applicationId, kind, level }: Applied): Promise<boolean> {
  const { policy } = await choosePolicy(tx, { kind, applicationId, level });
  const isLax = policy.creatorMayVote || policy.breakGlass !== null;
  return isLax || requiredVotes(policy) < builtInApprovals(kind, level);
}

async function left({ tx }: ChangeCtx, { policyId }: Applied): Promise<Problem> {
  const policy = policyId === null ? 'built-in' : ((await findPolicy(tx, policyId))?.name ?? String(policyId));
  return new Problem('leaves_policy', { policy });
}
