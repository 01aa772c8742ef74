// Chooses the policy for a request, and copies it for the request to keep.
import { sql } from 'kysely';
import type { Kysely, RawBuilder, SqlBool } from 'kysely';
import { builtInPolicy, requestKinds } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, Person, PolicyGroup, RequestKind, RoleRef } from '../../workflows/approvals/contract.ts';
import { approvalsOfLevel, levels } from '../../workflows/deploy/contract.ts';
import type { Level } from '../../workflows/deploy/contract.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { visible, type Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';
import type { ApprovalPolicyRow, KeptGroup } from './tables.ts';
import { msg } from '../../kit/messages/message.ts';

/** True for policies that are not about an application which the caller may not see. */
export const policyShownTo = (subject: Subject) =>
  sql<SqlBool>`(approval_policies.application_id is null
    or ${visible(subject, 'application', 'view_app', 'approval_policies.application_id')})`;

/** The criteria for choosing a policy. */
interface Occasion {
  kind: RequestKind;
  applicationId: number | null;
  level: Level | null;
}

/** Approvals required by the built-in policy. */
export const builtInApprovals = (kind: RequestKind, level: Level | null): number =>
  kind === 'deploy_task' && level ? approvalsOfLevel[level] : 1;

/** SQL for the id of the most specific enabled policy: application nearest in the tree, production, level, kind; the newest. */
const chosenFor = (
  kind: RawBuilder<unknown>,
  applicationId: RawBuilder<unknown>,
  level: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`
    with recursive line(id, parent_id, production_id, distance) as (
      select id, parent_id, production_id, 0 from applications where id = ${applicationId}
      union all
      select a.id, a.parent_id, a.production_id, line.distance + 1
      from applications a join line on a.id = line.parent_id
    )
    select policy.id from approval_policies as policy left join line on line.id = policy.application_id
    where policy.enabled and policy.kind = ${kind}
      and (policy.application_id is null or line.id is not null)
      and (policy.production_id is null
        or policy.production_id = (select production_id from line where distance = 0))
      and (policy.levels = '[]' or policy.levels @> to_jsonb(${level}::text))
    order by line.distance nulls last, policy.production_id nulls last, policy.levels = '[]', policy.id desc
    limit 1`;

async function chosenId(db: Kysely<Database>, { kind, applicationId, level }: Occasion): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    ${chosenFor(sql`${kind}`, sql`${applicationId}`, sql`${level}`)}`.execute(db);
  return rows[0]?.id;
}

/** Which policy applies to an application on an occasion; a null `policyId` is the built-in one. */
export interface Applied {
  applicationId: number;
  kind: RequestKind;
  level: Level | null;
  policyId: number | null;
}

/** What applies to applications and all below them, on every occasion. */
export async function appliedBelow(db: Kysely<Database>, applicationIds: readonly number[]): Promise<Applied[]> {
  const occasions = requestKinds.flatMap((kind): [RequestKind, Level | null][] =>
    kind === 'deploy_task' ? levels.map((level) => [kind, level]) : [[kind, null]],
  );
  const { rows } = await sql<Applied>`
    with recursive below(id) as (
      select id from applications where id = any(${applicationIds}::bigint[])
      union select a.id from applications a join below on a.parent_id = below.id)
    select below.id as application_id, occasion.kind, occasion.level,
      (${chosenFor(sql`occasion.kind`, sql`below.id`, sql`occasion.level`)}) as policy_id
    from below cross join unnest(${occasions.map(([kind]) => kind)}::text[],
      ${occasions.map(([, level]) => level)}::text[]) as occasion(kind, level)
    where exists (select from approval_policies where enabled)
    order by below.id, occasion.kind, occasion.level`.execute(db);
  return rows;
}

/** Throws if a policy does not allow tasks of this level. */
export function demandLevel(row: Pick<ApprovalPolicyRow, 'name' | 'minLevel'> | null, level: Level): void {
  const least = row?.minLevel ?? null;
  if (row === null || least === null || levels.indexOf(level) <= levels.indexOf(least)) return;
  throw invalidField('level', msg('level_by_policy', { level: least, policy: row.name }));
}

/** The policy for a request made now; `row` is null for a built-in one. */
export async function choosePolicy(
  db: Kysely<Database>,
  occasion: Occasion,
): Promise<{ row: ApprovalPolicyRow | null; policy: ApprovalPolicy }> {
  const id = await chosenId(db, occasion);
  const row = id === undefined ? undefined : await findPolicy(db, id);
  return row
    ? { row, policy: await copyOf(db, row) }
    : { row: null, policy: builtInPolicy(builtInApprovals(occasion.kind, occasion.level)) };
}

/**
 * The policy of a resource request that names these applications: of those that apply to one of them, or without any, the
 * one that asks for most approvals; of equal ones the newest. So leaving an application out gains nothing.
 */
export async function strictestPolicy(
  db: Kysely<Database>,
  kind: RequestKind,
  applicationIds: readonly number[],
): Promise<ApprovalPolicy> {
  const found: ApprovalPolicy[] = [];
  for (const applicationId of [null, ...applicationIds])
    found.push((await choosePolicy(db, { kind, applicationId, level: null })).policy);
  const [strictest] = found.sort((one, other) => votesIn(other) - votesIn(one) || (other.id ?? 0) - (one.id ?? 0));
  return strictest ?? builtInPolicy(builtInApprovals(kind, null));
}

const votesIn = ({ steps }: ApprovalPolicy): number =>
  steps.flatMap(({ groups }) => groups).reduce((sum, { count }) => sum + count, 0);

export const findPolicy = (db: Kysely<Database>, id: number): Promise<ApprovalPolicyRow | undefined> =>
  db.selectFrom('approvalPolicies').selectAll().where('id', '=', id).executeTakeFirst();

type Rules = Pick<
  ApprovalPolicyRow,
  'id' | 'name' | 'steps' | 'creatorMayVote' | 'escalateAfterHours' | 'escalateTo' | 'expireAfterHours' | 'breakGlass'
>;

const groupsOf = ({ steps }: Pick<Rules, 'steps'>): KeptGroup[] => steps.flatMap(({ groups }) => groups);

/** Ids of the roles and users that a policy names. */
export function namedBy(rules: Pick<Rules, 'steps' | 'escalateTo' | 'breakGlass'>): {
  roles: number[];
  users: number[];
} {
  const groups = groupsOf(rules);
  const roles = [...groups.map(({ role }) => role), rules.escalateTo, rules.breakGlass];
  return {
    roles: [...new Set(roles.filter((id) => id !== null))],
    users: [...new Set(groups.flatMap(({ users }) => users ?? []))],
  };
}

/** The copy of a policy that a request keeps, with the names of today. */
export async function copyOf(db: Kysely<Database>, rules: Rules): Promise<ApprovalPolicy> {
  const named = namedBy(rules);
  const roles = new Map<number, RoleRef>();
  const users = new Map<number, Person>();
  if (named.roles.length > 0) {
    for (const role of await db.selectFrom('roles').select(['id', 'name']).where('id', 'in', named.roles).execute())
      roles.set(role.id, role);
  }
  if (named.users.length > 0) {
    for (const one of await db.selectFrom('users').select(['id', 'username']).where('id', 'in', named.users).execute())
      users.set(one.id, one);
  }
  const roleRef = (id: number | null): RoleRef | null =>
    id === null ? null : (roles.get(id) ?? { id, name: String(id) });
  const group = (kept: KeptGroup): PolicyGroup => ({
    role: roleRef(kept.role),
    users: kept.users?.map((id) => users.get(id) ?? { id, username: String(id) }) ?? null,
    count: kept.count,
  });
  return {
    id: rules.id,
    name: rules.name,
    creatorMayVote: rules.creatorMayVote,
    steps: rules.steps.map(({ groups }) => ({ groups: groups.map(group) })),
    escalateAfterHours: rules.escalateAfterHours,
    expireAfterHours: rules.expireAfterHours,
    escalateTo: roleRef(rules.escalateTo),
    breakGlass: roleRef(rules.breakGlass),
  };
}

/** How many policies name a role anywhere. */
export async function policiesNaming(db: Kysely<Database>, roleId: number): Promise<number> {
  const rows = await db.selectFrom('approvalPolicies').select(['steps', 'escalateTo', 'breakGlass']).execute();
  return rows.filter((row) => namedBy(row).roles.includes(roleId)).length;
}

/** How many policies are about a production. */
export async function policiesOf(db: Kysely<Database>, productionId: number): Promise<number> {
  const rows = await db.selectFrom('approvalPolicies').select('id').where('productionId', '=', productionId).execute();
  return rows.length;
}
