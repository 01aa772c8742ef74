// Loads possible approvers, independent of policies: holders of a kind's approving permission, on an application or of a
// module, and their state at the moment of their vote.
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { RequestKind, Seat, Voter } from '../../workflows/approvals/contract.ts';
import { switchOf } from '../access/permission-catalogue.ts';
import { adminRole, holds, mayOn } from '../access/rights.ts';
import type { Subject } from '../access/rights.ts';
import type { Database } from '../database.ts';

/** Location of the requests to approve; `anywhere`: at least one of them. */
export type Where = { application: number } | { production: number } | 'anywhere';

/** A possible voter and their current state. */
interface Holder {
  userId: number;
  username: string;
  voter: Voter;
}

/** Ids of users to whom, or to a role of whom, `condition` on `grants` grants; administrators hold everything. */
const granted = (condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  select grants.user_id from grants where grants.user_id is not null and ${condition}
  union select user_roles.user_id from grants join user_roles on user_roles.role_id = grants.role_id where ${condition}
  union select user_roles.user_id from user_roles join roles on roles.id = user_roles.role_id
    where roles.builtin and roles.name = ${adminRole}`;

/** Ids of users who may approve deploy tasks of an application, given as SQL. */
export const reviewersOf = (application: RawBuilder<unknown>): RawBuilder<unknown> =>
  granted(sql`grants.scope = 'application' and grants.permission = ${approvingPermissions.deploy_task}
    and grants.object_id = ${application}`);

/** Ids of users who hold a kind's approving permission, which is one of a module. */
export function systemApprovers(kind: Exclude<RequestKind, 'deploy_task'>): RawBuilder<unknown> {
  const permission = approvingPermissions[kind];
  const of = (name: string) => granted(sql`grants.scope = 'system' and grants.permission = ${name}`);
  return sql`(${of(permission)}) intersect (${of(switchOf(permission))})`;
}

function holdersSql(kind: RequestKind, where: Where): RawBuilder<unknown> {
  if (kind !== 'deploy_task') return systemApprovers(kind);
  if (where !== 'anywhere' && 'application' in where) return reviewersOf(sql`${where.application}`);
  const of = where === 'anywhere' ? sql`true` : sql`applications.production_id = ${where.production}`;
  return granted(sql`grants.scope = 'application' and grants.permission = ${approvingPermissions.deploy_task}
    and grants.object_id in (select applications.id from applications where applications.deleted_time is null and ${of})`);
}

/** Enabled users who hold the approving permission, by id. */
export async function holdersOf(db: Kysely<Database>, kind: RequestKind, where: Where): Promise<Holder[]> {
  const { rows } = await sql<{ userId: number; username: string; roles: number[] }>`
    select users.id as user_id, users.username,
      (select coalesce(json_agg(role_id), '[]') from user_roles where user_id = users.id) as roles
    from users where users.status = 'enabled' and users.id in (${holdersSql(kind, where)})
    order by users.id`.execute(db);
  return rows.map(({ userId, username, roles }) => ({
    userId,
    username,
    voter: { roles, holds: true, delegators: [], seats: [{ userId, roles }] },
  }));
}

/** A request to vote on. */
export interface VotedOn {
  kind: RequestKind;
  id: number;
  applicationId: number | null;
}

interface Handed {
  toId: number;
  giver: Seat;
}

/** Delegations of a request. One counts only while its giver is enabled and holds the approving permission. */
async function handedOn(db: Kysely<Database>, { kind, id, applicationId }: VotedOn): Promise<Handed[]> {
  const where: Where = kind === 'deploy_task' ? { application: applicationId ?? 0 } : 'anywhere';
  const { rows } = await sql<{ toId: number; giver: Seat }>`
    select delegations.to_id, json_build_object('userId', giver.id, 'roles',
      (select coalesce(json_agg(role_id), '[]') from user_roles where user_id = giver.id)) as giver
    from delegations join users as giver on giver.id = delegations.from_id
    where delegations.kind = ${kind} and delegations.request_id = ${id} and delegations.phase = 'review'
      and giver.status = 'enabled' and giver.id in (${holdersSql(kind, where)})
    order by delegations.from_id`.execute(db);
  return rows;
}

/** Givers of a user, and the seats along every chain to them. */
function received(handed: readonly Handed[], userId: number): { delegators: number[]; seats: Seat[] } {
  const seats = new Map<number, Seat>();
  const follow = (toId: number): void => {
    for (const { giver } of handed.filter((one) => one.toId === toId)) {
      if (seats.has(giver.userId)) continue;
      seats.set(giver.userId, giver);
      follow(giver.userId);
    }
  };
  follow(userId);
  const delegators = handed.filter(({ toId }) => toId === userId).map(({ giver }) => giver.userId);
  return { delegators: [...new Set(delegators)], seats: [...seats.values()].filter((one) => one.userId !== userId) };
}

const asVoter = (handed: readonly Handed[], userId: number, roles: number[], may: boolean): Voter => {
  const { delegators, seats } = received(handed, userId);
  return { roles, holds: may, delegators, seats: [...(may ? [{ userId, roles }] : []), ...seats] };
};

/** Possible voters on a request: holders, and users to whom they delegated it. */
export async function judgesOf(db: Kysely<Database>, request: VotedOn, where: Where): Promise<Holder[]> {
  const handed = await handedOn(db, request);
  const holders = await holdersOf(db, request.kind, where);
  const known = new Map(holders.map((one) => [one.userId, one.voter.roles]));
  const others = handed.map(({ toId }) => toId).filter((id) => !known.has(id));
  const delegates = await db
    .selectFrom('users')
    .select(['id as userId', 'username'])
    .where('id', 'in', others.length > 0 ? others : [0])
    .where('status', '=', 'enabled')
    .orderBy('id')
    .execute();
  return [...holders, ...delegates].map(({ userId, username }) => ({
    userId,
    username,
    voter: asVoter(handed, userId, known.get(userId) ?? [], known.has(userId)),
  }));
}

/** A user's current state as a voter on a request. */
export async function voterOf(db: Kysely<Database>, subject: Subject, request: VotedOn): Promise<Voter> {
  const { kind, applicationId } = request;
  const may =
    kind === 'deploy_task'
      ? (await mayOn(db, subject, 'application', approvingPermissions[kind], applicationId ?? 0)) === 'yes'
      : holds(subject, approvingPermissions[kind]);
  return asVoter(await handedOn(db, request), subject.userId, subject.roleIds, may);
}
