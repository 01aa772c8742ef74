// Whether a policy can be satisfied today: every role and user that it names exists, and enough of the possible voters hold
// the permission. A disabled policy needs only valid fields.
import { holdersOf } from '../../db/approvals/people.ts';
import type { Where } from '../../db/approvals/people.ts';
import { copyOf, namedBy } from '../../db/approvals/policies.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy } from '../../workflows/approvals/contract.ts';
import { unsatisfiable } from '../../workflows/approvals/quorum.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import type { PolicyRules } from './fields.ts';
import { msg, type Message } from '../../kit/messages/message.ts';

const whereOf = ({ applicationId, productionId }: PolicyRules): Where =>
  applicationId !== null
    ? { application: applicationId }
    : productionId !== null
      ? { production: productionId }
      : 'anywhere';

/** Throws `no_such` for missing roles and users; existing ones cannot be deleted until the end of the transaction. */
async function demandThere({ tx }: ChangeCtx, rules: PolicyRules): Promise<void> {
  const { roles, users } = namedBy(rules);
  const missing = (thing: string, wanted: number[], found: { id: number }[]): void => {
    const absent = wanted.find((id) => !found.some((one) => one.id === id));
    if (absent !== undefined) throw new Problem('no_such', { thing, id: absent });
  };
  const ids = (list: number[]): number[] => (list.length > 0 ? list : [0]);
  missing(
    'role',
    roles,
    await tx.selectFrom('roles').select('id').where('id', 'in', ids(roles)).forKeyShare().execute(),
  );
  missing('user', users, await tx.selectFrom('users').select('id').where('id', 'in', ids(users)).execute());
  const { applicationId, productionId } = rules;
  if (applicationId !== null) {
    const found = tx.selectFrom('applications').select('id').where('id', '=', applicationId);
    missing('application', [applicationId], await found.where('deletedTime', 'is', null).execute());
  }
  if (productionId !== null) {
    const found = tx.selectFrom('productions').select('id').where('id', '=', productionId).forKeyShare();
    missing('production', [productionId], await found.execute());
  }
}

/** Throws `no_such`, or `invalid` naming the group that cannot be satisfied. */
export async function demandSatisfiable(ctx: ChangeCtx, rules: PolicyRules): Promise<void> {
  await demandThere(ctx, rules);
  if (!rules.enabled) return;
  const policy = await copyOf(ctx.tx, { ...rules, id: 0 });
  const people = await holdersOf(ctx.tx, rules.kind, whereOf(rules));
  const found = unsatisfiable(policy, people);
  if (found) throw invalidField(`steps.${found.step}.groups.${found.group}`, lack(policy, rules, found));
  const { escalateTo } = policy;
  if (escalateTo && !people.some(({ voter }) => voter.roles.includes(escalateTo.id))) {
    throw invalidField(
      'escalate_to',
      msg('nobody_of_role_holds', { role: escalateTo.name, permission: approvingPermissions[rules.kind] }),
    );
  }
}

function lack(
  policy: ApprovalPolicy,
  { kind }: PolicyRules,
  at: { step: number; group: number; has: number },
): Message {
  const group = policy.steps[at.step]?.groups[at.group];
  const whom = group?.role
    ? `role ${group.role.name}`
    : (group?.users?.map(({ username }) => username).join(', ') ?? 'all');
  const permission = approvingPermissions[kind];
  return msg('nobody_can_satisfy', { whom, has: at.has, count: group?.count ?? 0, permission });
}
