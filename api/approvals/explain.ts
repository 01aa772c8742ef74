// Explains why a request waits for votes, and whether the caller may vote, using the gate that decides.
import { z } from 'zod';
import { judgesOf } from '../../db/approvals/people.ts';
import type { VotedOn, Where } from '../../db/approvals/people.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ApprovalView, CastVote, Voter } from '../../workflows/approvals/contract.ts';
import { canApprove } from '../../workflows/approvals/policy.ts';
import { awaitsLooks, candidatesOf, looksGroup, standing } from '../../workflows/approvals/quorum.ts';
import { problemText } from '../../workflows/problems/problem.ts';
import type { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { iso, time } from '../operations/schemas.ts';
import { keptPolicyObject } from './fields.ts';
import { presentKept } from './object.ts';
import { person } from './simulate.ts';

export const explanation = z.object({
  policy: keptPolicyObject,
  /** From 1; the number of steps plus one if nothing is missing. */
  step: z.int(),
  groups: z.array(
    z.object({
      need: z.int(),
      have: z.array(z.object({ user: person, time })),
      candidates: z.array(person),
    }),
  ),
  you: z.object({ may_approve: z.boolean(), why: z.string() }),
});

/** A vote with the fields that responses show. */
interface ShownVote extends CastVote {
  user: string;
  time: Date;
}

interface Explained {
  view: Omit<ApprovalView, 'votes'> & { votes: readonly ShownVote[] };
  request: VotedOn;
  /** Name of the object on which the approving permission is held. */
  target: string;
  where: Where;
  voter: Voter;
}

const words = {
  yes: { en: 'your vote is asked for', zh: '需要您的审批' },
  own_request: { en: 'you created it', zh: '您是申请人' },
  changed_request: { en: 'you changed it last', zh: '您是最后修改人' },
  voted: { en: 'you voted already', zh: '您已审批' },
  lacking: { en: 'you lack {permission} on {target}', zh: '您缺少 {target} 的 {permission} 权限' },
  not_your_step: { en: 'not your step yet', zh: '尚未轮到您' },
  group_complete: { en: 'the votes of your group are there already', zh: '您所在组的审批已满足' },
  not_your_vote: { en: 'you are in none of the groups that are asked', zh: '您不在审批组中' },
} as const;

/** The reason in the caller's language; falls back to the refusal's own message. */
function why(refused: Problem | undefined, { view, target }: Explained, { language, subject }: Ctx): string {
  const fill = (name: keyof typeof words): string =>
    words[name][language].replace('{permission}', approvingPermissions[view.kind]).replace('{target}', target);
  if (!refused) return fill('yes');
  if (refused.problem === 'not_allowed') return fill('lacking');
  if (view.votes.some(({ userId }) => userId === subject.userId)) return fill('voted');
  return refused.problem in words
    ? fill(refused.problem as keyof typeof words)
    : problemText(refused.problem, refused.params, language);
}

/** A request's state, who could advance it, and the caller's part in it. */
export async function explain(explained: Explained, ctx: Ctx): Promise<z.input<typeof explanation>> {
  const { view, request, where, voter } = explained;
  const refused = canApprove(view, { actor: ctx.by, voter, planHash: view.planHash ?? undefined });
  const { step, groups } = standing<ShownVote>(view);
  const looking = awaitsLooks(view);
  const asked = looking ? [{ group: looksGroup, have: view.votes }] : groups;
  const barred = new Set([
    ...view.votes.map(({ userId }) => userId),
    ...(view.policy.creatorMayVote && !looking ? [] : [view.creatorId, view.changedById, view.brokeGlassById]),
  ]);
  const free = (await judgesOf(ctx.db, request, where)).filter(({ userId }) => !barred.has(userId));
  return {
    policy: presentKept(view.policy),
    step: step + 1,
    groups: asked.map(({ group, have }) => ({
      need: group.count,
      have: have.map(({ userId, user, time: at }) => ({ user: { id: userId, username: user }, time: iso(at) })),
      candidates: candidatesOf(view, group, free).map(({ userId, username }) => ({ id: userId, username })),
    })),
    you: { may_approve: refused === undefined, why: why(refused, explained, ctx) },
  };
}
