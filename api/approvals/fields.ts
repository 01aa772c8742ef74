// The input and output form of a policy, and validations that neither schemas nor constraints can express.
import { z } from 'zod';
import type { ApprovalPolicyRow } from '../../db/approvals/tables.ts';
import { requestKinds } from '../../workflows/approvals/contract.ts';
import { levels } from '../../workflows/deploy/contract.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { distinct, id, time } from '../operations/schemas.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';

const unlike = (list: readonly unknown[]): boolean => new Set(list).size === list.length;
const hours = (most: number) => z.int().min(1).max(most).nullable();

const group = z
  .strictObject({
    role: id.nullable().optional(),
    users: z.array(id).min(1).max(100).refine(unlike, issue('is_there_twice')).meta(distinct).nullable().optional(),
    count: z.int().min(1).max(20).default(1),
  })
  .refine(({ role, users }) => !role || !users, issue('role_or_users'))
  .transform(({ role = null, users = null, count }) => ({ role, users, count }));

const step = z.strictObject({ groups: z.array(group).min(1).max(10) });

/** Every writable field, required ones without a default. */
const policyFields = {
  name: z.string().trim().min(1).max(64),
  kind: z.enum(requestKinds),
  levels: z.array(z.enum(levels)).refine(unlike, issue('is_there_twice')).meta(distinct),
  application: id.nullable(),
  production: id.nullable(),
  steps: z.array(step).max(5),
  creator_may_vote: z.boolean(),
  escalate_after_hours: hours(720),
  escalate_to: id.nullable(),
  expire_after_hours: hours(8760),
  enabled: z.boolean(),
  break_glass: id.nullable(),
  min_level: z.enum(levels).nullable().describe('deploy_task only: tasks of a lower level are refused'),
};

export const newPolicy = z.strictObject(policyFields).extend({
  levels: policyFields.levels.default([]),
  application: policyFields.application.default(null),
  production: policyFields.production.default(null),
  creator_may_vote: policyFields.creator_may_vote.default(false),
  escalate_after_hours: policyFields.escalate_after_hours.default(null),
  escalate_to: policyFields.escalate_to.default(null),
  expire_after_hours: policyFields.expire_after_hours.default(null),
  enabled: policyFields.enabled.default(true),
  break_glass: policyFields.break_glass.default(null),
  min_level: policyFields.min_level.default(null),
});

export const changedPolicy = z.strictObject(policyFields).partial();

/** A policy's rules, in database form. */
export type PolicyRules = Omit<ApprovalPolicyRow, 'id' | 'creator' | 'createdTime' | 'updatedTime'>;

type Given = z.output<typeof changedPolicy>;

/** The given fields, by column name. */
export function rulesOf(given: Given): Partial<PolicyRules> {
  const rules: Record<keyof PolicyRules, unknown> = {
    name: given.name,
    kind: given.kind,
    levels: given.levels,
    steps: given.steps,
    enabled: given.enabled,
    applicationId: given.application,
    productionId: given.production,
    creatorMayVote: given.creator_may_vote,
    escalateAfterHours: given.escalate_after_hours,
    escalateTo: given.escalate_to,
    expireAfterHours: given.expire_after_hours,
    breakGlass: given.break_glass,
    minLevel: given.min_level,
  };
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined));
}

/** Throws `invalid` unless the fields of a policy fit together. */
export function demandConsistent(rules: PolicyRules): void {
  if (rules.applicationId !== null && rules.productionId !== null) {
    throw invalidField('production', msg('not_with_application'));
  }
  if (rules.levels.length > 0 && rules.kind !== 'deploy_task') {
    throw invalidField('levels', msg('are_for_deploy_tasks'));
  }
  if (rules.minLevel !== null && rules.kind !== 'deploy_task') {
    throw invalidField('min_level', msg('is_for_deploy_tasks'));
  }
  if (rules.kind === 'deploy_task' || rules.breakGlass === null) return demandPair(rules);
  throw invalidField('break_glass', msg('is_for_deploy_tasks'));
}

function demandPair({ escalateAfterHours, escalateTo }: PolicyRules): void {
  if (escalateAfterHours !== null && escalateTo === null) {
    throw invalidField('escalate_to', msg('is_needed_with_escalate_after_hours'));
  }
  if (escalateAfterHours === null && escalateTo !== null) {
    throw invalidField('escalate_after_hours', msg('is_needed_with_escalate_to'));
  }
}

const rules = {
  steps: z.array(
    z.object({
      groups: z.array(z.object({ role: z.int().nullable(), users: z.array(z.int()).nullable(), count: z.int() })),
    }),
  ),
  creator_may_vote: z.boolean(),
  escalate_after_hours: z.int().nullable(),
  escalate_to: z.int().nullable(),
  expire_after_hours: z.int().nullable(),
  break_glass: z.int().nullable(),
};

/** A policy in responses; `id` is null for a built-in one, which has no creator. */
export const policyObject = z.object({
  id: z.int().nullable(),
  name: z.string(),
  kind: z.enum(requestKinds),
  levels: z.array(z.enum(levels)),
  application: z.int().nullable(),
  production: z.int().nullable(),
  ...rules,
  min_level: z.enum(levels).nullable(),
  enabled: z.boolean(),
  creator: z.string(),
  created_time: time.nullable(),
  updated_time: time.nullable(),
});

/** The copy of a policy that a request keeps. */
export const keptPolicyObject = z.object({ id: z.int().nullable(), name: z.string(), ...rules });
