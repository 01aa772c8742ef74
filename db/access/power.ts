// Computes the power of roles, accounts and delegations: their grants, and their mention in approval policies. The only
// check on passing power on: users must hold at least as much as they pass on, or be administrators.
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { Database } from '../database.ts';
import type { SystemPermission } from './permission-catalogue.ts';
import type { GrantScope } from './grants.ts';
import { actionsFor, adminRole, holds, type Scope, type Subject } from './rights.ts';

/** One permission on one object (0 for the system). */
interface Power {
  scope: GrantScope;
  objectId: number;
  permission: string;
}

/** A bearer of power: membership in a role, an account, or grants (of a delegation). */
type Bearer = { role: number } | { user: number } | { grants: readonly Power[] };

interface Worth {
  grants: Power[];
  /** Power that only administrators may pass on. */
  beyond: string | undefined;
}

/**
 * For each bearer, in order, one permission that it has and `holder` lacks; undefined if the holder may pass it on. A role
 * or user that an approval policy or an open request's copy names is reserved for administrators: each member has their own
 * vote, and no user may hold two.
 */
export async function lackingOf(
  db: Kysely<Database>,
  holder: Subject,
  of: readonly Bearer[],
): Promise<(string | undefined)[]> {
  if (holder.isAdmin) return of.map(() => undefined);
  const worths = await worthOf(db, of);
  const grants = worths.flatMap((worth) => worth.grants);
  const may = {
    application: await actionsOf(db, holder, 'application', grants),
    host: await actionsOf(db, holder, 'host', grants),
  };
  const isHeld = ({ scope, objectId, permission }: Power): boolean =>
    scope === 'system'
      ? holds(holder, permission as SystemPermission)
      : (may[scope].get(objectId)?.has(permission) ?? false);
  return of.map((bearer, index) => {
    if ('user' in bearer && bearer.user === holder.userId) return undefined;
    const worth = worths[index];
    return worth?.beyond ?? worth?.grants.find((grant) => !isHeld(grant))?.permission;
  });
}

async function actionsOf(
  db: Kysely<Database>,
  holder: Subject,
  scope: Scope,
  grants: readonly Power[],
): Promise<Map<number, Set<string>>> {
  const ids = grants.filter((grant) => grant.scope === scope).map(({ objectId }) => objectId);
  return actionsFor(db, holder, scope, [...new Set(ids)]);
}

/** Grants of roles or users with the id of their grantee. */
const grantsOf = (db: Kysely<Database>, column: 'roleId' | 'userId', ids: readonly number[]) =>
  db
    .selectFrom('grants')
    .where(column, 'in', ids.length > 0 ? ids : [0])
    .select(['scope', 'objectId', 'permission', `${column} as granteeId`])
    .orderBy('id')
    .execute();

async function worthOf(db: Kysely<Database>, of: readonly Bearer[]): Promise<Worth[]> {
  const users = of.flatMap((one) => ('user' in one ? [one.user] : []));
  const memberships =
    users.length === 0 ? [] : await db.selectFrom('userRoles').where('userId', 'in', users).selectAll().execute();
  const roles = [...of.flatMap((one) => ('role' in one ? [one.role] : [])), ...memberships.map((one) => one.roleId)];
  const [ofRoles, ofUsers, lent, namedRoles, namedUsers] = [
    await grantsOf(db, 'roleId', roles),
    await grantsOf(db, 'userId', users),
    await lentTo(db, users),
    await rolesBeyond(db, roles),
    await usersBeyond(db, users),
  ];
  const worthOfRole = (id: number): Worth => ({
    grants: ofRoles.filter(({ granteeId }) => granteeId === id),
    beyond: namedRoles.get(id),
  });
  return of.map((bearer): Worth => {
    if ('grants' in bearer) return { grants: [...bearer.grants], beyond: undefined };
    if ('role' in bearer) return worthOfRole(bearer.role);
    const id = bearer.user;
    const own = memberships.filter(({ userId }) => userId === id).map(({ roleId }) => worthOfRole(roleId));
    const direct: Power[] = [...ofUsers, ...lent].filter(({ granteeId }) => granteeId === id);
    return {
      grants: [...direct, ...own.flatMap(({ grants }) => grants)],
      beyond: namedUsers.get(id) ?? own.find(({ beyond }) => beyond !== undefined)?.beyond,
    };
  });
}

/** Reviews of open requests that others have delegated to these users. */
async function lentTo(db: Kysely<Database>, users: readonly number[]): Promise<(Power & { granteeId: number })[]> {
  if (users.length === 0) return [];
  const { rows } = await sql<Power & { granteeId: number }>`
    select distinct 'application' as scope, deploy_tasks.application_id as object_id,
      'review_app_deploy_task' as permission, delegations.to_id as grantee_id
    from delegations join deploy_tasks on deploy_tasks.id = delegations.request_id
    where delegations.kind = 'deploy_task' and delegations.phase = 'review'
      and delegations.to_id = any(${users}::bigint[])
      and deploy_tasks.status = 'wait_review'`.execute(db);
  return rows;
}

/** Steps with such a group, for the containment operator. */
const stepsWith = (group: RawBuilder<unknown>) =>
  sql`jsonb_build_array(jsonb_build_object('groups', jsonb_build_array(jsonb_build_object${group})))`;

/** Open requests follow their copy of the policy, even if it no longer applies to new ones. */
const keptByOpen = (condition: RawBuilder<unknown>) => sql`exists (
  select from deploy_tasks as task where task.status in ('wait_review', 'approved', 'running') and task.policy is not null
    and (${condition}))`;

const inPolicy = (condition: RawBuilder<unknown>) => sql`exists (
  select from approval_policies as policy where ${condition})`;

async function rolesBeyond(db: Kysely<Database>, ids: readonly number[]): Promise<Map<number, string>> {
  if (ids.length === 0) return new Map();
  const role = sql`jsonb_build_object('id', roles.id)`;
  const { rows } = await sql<{ id: number; builtin: boolean }>`
    select roles.id, roles.builtin from roles where roles.id = any(${ids}::bigint[]) and (roles.builtin
      or ${inPolicy(sql`roles.id in (policy.escalate_to, policy.break_glass)
        or policy.steps @> ${stepsWith(sql`('role', roles.id)`)}`)}
      or ${keptByOpen(sql`task.policy->'escalateTo' @> ${role} or task.policy->'breakGlass' @> ${role}
        or task.policy->'steps' @> ${stepsWith(sql`('role', ${role})`)}`)})`.execute(db);
  return new Map(rows.map(({ id, builtin }) => [id, builtin ? adminRole : namedByPolicy]));
}

async function usersBeyond(db: Kysely<Database>, ids: readonly number[]): Promise<Map<number, string>> {
  if (ids.length === 0) return new Map();
  const user = sql`jsonb_build_object('id', users.id)`;
  const { rows } = await sql<{ id: number }>`
    select users.id from users where users.id = any(${ids}::bigint[]) and (
      ${inPolicy(sql`policy.steps @> ${stepsWith(sql`('users', jsonb_build_array(users.id))`)}`)}
      or ${keptByOpen(sql`task.policy->'steps' @> ${stepsWith(sql`('users', jsonb_build_array(${user}))`)}`)})`.execute(
    db,
  );
  return new Map(rows.map(({ id }) => [id, namedByPolicy]));
}

/** Reported as the missing permission. */
const namedByPolicy = `${adminRole} (an approval policy names it)`;
