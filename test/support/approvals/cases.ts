// Policies and votes for tests of the pure parts.
import { builtInPolicy } from '../../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, ApprovalView, PolicyGroup, Voter } from '../../../workflows/approvals/contract.ts';

/** Numbers that look random and are the same in every run. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
}

export const roleGroup = (role: number, count = 1): PolicyGroup => ({
  role: { id: role, name: `role-${role}` },
  users: null,
  count,
});
export const usersGroup = (users: number[], count = 1): PolicyGroup => ({
  role: null,
  users: users.map((id) => ({ id, username: `user-${id}` })),
  count,
});
export const anybodyGroup = (count = 1): PolicyGroup => ({ role: null, users: null, count });

export const policyWith = (steps: PolicyGroup[][], more: Partial<ApprovalPolicy> = {}): ApprovalPolicy => ({
  ...builtInPolicy(0),
  id: 1,
  name: 'tested',
  steps: steps.map((groups) => ({ groups })),
  ...more,
});

export const voter = (roles: number[] = [], more: Partial<Voter> = {}): Voter => ({
  roles,
  holds: true,
  delegators: [],
  ...more,
});

export const viewWith = (policy: ApprovalPolicy, more: Partial<ApprovalView> = {}): ApprovalView => ({
  kind: 'deploy_task',
  status: 'wait_review',
  creatorId: 900,
  ownerId: 900,
  planHash: 'p',
  planRound: 1,
  policy,
  votes: [],
  changedById: null,
  escalated: false,
  brokeGlassById: null,
  ...more,
});
