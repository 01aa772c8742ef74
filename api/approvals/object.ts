import type { z } from 'zod';
import { builtInApprovals } from '../../db/approvals/policies.ts';
import type { ApprovalPolicyRow } from '../../db/approvals/tables.ts';
import { builtInPolicy, requestKinds } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, RequestKind } from '../../workflows/approvals/contract.ts';
import { levels } from '../../workflows/deploy/contract.ts';
import type { Level } from '../../workflows/deploy/contract.ts';
import { iso } from '../operations/schemas.ts';
import type { keptPolicyObject, policyObject } from './fields.ts';

type PolicyItem = z.input<typeof policyObject>;

export const presentPolicy = (row: ApprovalPolicyRow): PolicyItem => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  levels: row.levels,
  application: row.applicationId,
  production: row.productionId,
  steps: row.steps,
  creator_may_vote: row.creatorMayVote,
  break_glass: row.breakGlass,
  enabled: row.enabled,
  min_level: row.minLevel,
  escalate_after_hours: row.escalateAfterHours,
  escalate_to: row.escalateTo,
  expire_after_hours: row.expireAfterHours,
  creator: row.creator,
  created_time: iso(row.createdTime),
  updated_time: iso(row.updatedTime),
});

/** The copy that a request keeps, with ids as policies have them. */
export const presentKept = (policy: ApprovalPolicy): z.input<typeof keptPolicyObject> => ({
  id: policy.id,
  name: policy.name,
  steps: policy.steps.map(({ groups }) => ({
    groups: groups.map(({ role, users, count }) => ({
      role: role?.id ?? null,
      users: users?.map((user) => user.id) ?? null,
      count,
    })),
  })),
  creator_may_vote: policy.creatorMayVote,
  break_glass: policy.breakGlass?.id ?? null,
  escalate_after_hours: policy.escalateAfterHours,
  escalate_to: policy.escalateTo?.id ?? null,
  expire_after_hours: policy.expireAfterHours,
});

/** The built-in policy of a kind, and of a level of deploy tasks. */
export function presentBuiltIn(kind: RequestKind, level: Level | null): PolicyItem {
  const policy = builtInPolicy(builtInApprovals(kind, level));
  return {
    ...presentKept(policy),
    name: level ? `built-in: level ${level}` : `built-in: ${kind}`,
    kind,
    levels: level ? [level] : [],
    application: null,
    production: null,
    min_level: null,
    enabled: true,
    creator: 'system',
    created_time: null,
    updated_time: null,
  };
}

export const builtInPolicies: readonly PolicyItem[] = [
  ...levels.map((level) => presentBuiltIn('deploy_task', level)),
  ...requestKinds.filter((kind) => kind !== 'deploy_task').map((kind) => presentBuiltIn(kind, null)),
];
