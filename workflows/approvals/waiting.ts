// The sentences about a request that waits, alike for all kinds.
import { listOf, messageOf, say } from '../problems/problem.ts';
import type { Reason } from '../problems/problem.ts';
import type { WaitingOn } from '../tasks/contract.ts';
import type { ApprovalView } from './contract.ts';
import { missingVotes } from './quorum.ts';

export const waitingOnSomething = (
  kind: WaitingOn['kind'],
  text: Reason,
  users: string[] = [],
  until: Date | null = null,
): WaitingOn => ({ kind, text, users, until: until?.toISOString() ?? null });

interface AwaitsVotes extends ApprovalView {
  creator: string;
  reviewers: string[];
  expires: string | null;
  trouble: Reason | null;
}

/** `looks`: it was started without approval, and people have to look at it afterwards. */
export function waitsForVotes(view: AwaitsVotes, looks: boolean): WaitingOn {
  const { policy, creator, reviewers, expires } = view;
  const until = looks || expires === null ? null : new Date(expires);
  const missing = missingVotes(view) ?? listOf([]);
  const mistake = policy.creatorMayVote && !looks ? missing : say('not_by_creator', { mistake: missing, creator });
  const text =
    looks || view.trouble === null ? mistake : say('back_in_review', { mistake, reason: messageOf(view.trouble) });
  return waitingOnSomething('votes', text, reviewers, until);
}
