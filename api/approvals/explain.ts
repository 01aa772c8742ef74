// Explains why a request waits for votes, and whether the caller may vote, using the gate that decides.
import { z } from 'zod';
import { judgesOf } from '../../db/approvals/people.ts';
import type { VotedOn, Where } from '../../db/approvals/people.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ApprovalView, CastVote, Voter } from '../../workflows/approvals/contract.ts';
import { canApprove } from '../../workflows/approvals/policy.ts';
import { awaitsLooks, candidatesOf, looksGroup, standing } from '../../workflows/approvals/quorum.ts';
import { msg, type Message } from '../../kit/messages/message.ts';
import type { Problem, ProblemName } from '../../workflows/problems/problem.ts';
import { said } from '../operations/translate.ts';
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

/** The caller's own part, where the problem's message would speak of the request. */
const reasons: Partial<
  Record<
    ProblemName,
    'you_created_it' | 'you_changed_it' | 'not_your_step_yet' | 'your_group_has_voted' | 'no_group_of_yours'
  >
> = {
  own_request: 'you_created_it',
  changed_request: 'you_changed_it',
  not_your_step: 'not_your_step_yet',
  group_complete: 'your_group_has_voted',
  not_your_vote: 'no_group_of_yours',
};

/** The reason why the caller may or may not vote; falls back to the refusal's own message. */
function why(refused: Problem | undefined, { view, target }: Explained, { subject }: Ctx): Message {
  if (!refused) return msg('your_vote_is_asked');
  if (refused.problem === 'not_allowed')
    return msg('you_lack', { permission: approvingPermissions[view.kind], target });
  if (view.votes.some(({ userId }) => userId === subject.userId)) return msg('you_voted');
  const own = reasons[refused.problem];
  return own ? msg(own) : refused.said;
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
    you: { may_approve: refused === undefined, why: said(ctx, why(refused, explained, ctx)) },
  };
}
