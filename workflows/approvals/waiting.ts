// The sentences about a request that waits, alike for all kinds.
import type { WaitingOn } from '../tasks/contract.ts';
import type { ApprovalView } from './contract.ts';
import { missingVotes } from './quorum.ts';

export const waitingOnSomething = (
  kind: WaitingOn['kind'],
  text: string,
  users: string[] = [],
  until: Date | null = null,
): WaitingOn => ({ kind, text, users, until: until?.toISOString() ?? null });

interface AwaitsVotes extends ApprovalView {
  creator: string;
  reviewers: string[];
  expires: string | null;
  trouble: string | null;
}

/** `looks`: it was started without approval, and people have to look at it afterwards. */
export function waitsForVotes(view: AwaitsVotes, looks: boolean): WaitingOn {
  const { policy, creator, reviewers, expires } = view;
  const others = policy.creatorMayVote && !looks ? '' : `, not by ${creator}`;
  const until = looks || expires === null ? null : new Date(expires);
  const again = looks || view.trouble === null ? '' : `, back in review: ${view.trouble}`;
  return waitingOnSomething('votes', `${missingVotes(view)}${others}${again}`, reviewers, until);
}
