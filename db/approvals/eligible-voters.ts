// `open_to` of a request in SQL: the users whose votes would count now, as the workflow computed at the last transition. The
// parts refer to the request `at` (an alias of its table) and the user with the id `user`.
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { RequestTable } from './request-table.ts';

type Part = RawBuilder<SqlBool>;
type Sql = RawBuilder<unknown>;

/** It is under review, or was started without approval and has still to be looked at. */
export function isOpen(table: RequestTable, at: string): Part {
  const request = sql.raw(at);
  return sql<SqlBool>`(${request}.status = 'wait_review'
    or (${table.brokeGlassBy(at)} is not null and (${request}.open_to->>'anyone')::boolean))`;
}

/** A group is open to anyone, lists the user, or is of one of their roles; and their seat has no vote yet. */
export function meantBy(at: string, user: Sql): Part {
  const request = sql.raw(at);
  return sql<SqlBool>`(not coalesce(${request}.open_to->'taken', '[]') @> to_jsonb(${user}::bigint)
    and ((${request}.open_to->>'anyone')::boolean or ${request}.open_to->'users' @> to_jsonb(${user}::bigint)
    or (${request}.open_to->'roles' <> '[]' and exists (
      select from user_roles where user_roles.user_id = ${user} and ${request}.open_to->'roles' @> to_jsonb(user_roles.role_id)))))`;
}

/** A listed reviewer (or anyone, for an open group) delegated their review to this user, via enabled reviewers only. */
export function standsIn(table: RequestTable, at: string, user: Sql): Part {
  const handed = sql`select delegations.from_id from delegations join users as giver on giver.id = delegations.from_id
    where delegations.kind = ${table.kind} and delegations.request_id = ${sql.raw(at)}.id and delegations.phase = 'review'
      and giver.status = 'enabled' and giver.id in (${table.reviewers(at)})`;
  return sql<SqlBool>`exists (with recursive chain(giver_id) as (
      ${handed} and delegations.to_id = ${user}
      union select further.from_id from chain join lateral (${handed} and delegations.to_id = chain.giver_id) as further on true)
    select from chain where ${isOthers(table, at, sql`chain.giver_id`)} and ${meantBy(at, sql`chain.giver_id`)})`;
}

/** Excludes the request's creator, editors and unapproved starters, unless the policy lets creators vote. */
function isOthers(table: RequestTable, at: string, user: Sql): Part {
  const request = sql.raw(at);
  const glass = table.brokeGlassBy(at);
  return sql<SqlBool>`(${glass} is distinct from ${user}
    and ((${request}.policy->>'creatorMayVote')::boolean is true and ${glass} is null
      or (${request}.creator_id <> ${user} and ${request}.changed_by_id is distinct from ${user})))`;
}

/** The user has not voted, and did not create, change or start it unapproved, unless creators may vote. */
export function mayJudge(table: RequestTable, at: string, user: Sql): Part {
  const request = sql.raw(at);
  return sql<SqlBool>`(not exists (select from votes where votes.kind = ${table.kind}
      and votes.request_id = ${request}.id and votes.round = ${request}.plan_round and votes.user_id = ${user})
    and ${isOthers(table, at, user)})`;
}

/** Maximum names in a sentence. */
const namedReviewers = 20;

/** Usernames, as JSON, of some enabled users whose votes would count now. */
export const reviewersNow = (table: RequestTable, at: string): Sql => sql`(
  select coalesce(json_agg(username), '[]') from (
    select users.username from users
    where users.status = 'enabled' and (
        (users.id in (${table.reviewers(at)}) and ${meantBy(at, sql`users.id`)})
        or ${standsIn(table, at, sql`users.id`)})
      and ${mayJudge(table, at, sql`users.id`)}
    order by users.id limit ${namedReviewers}) as named)`;
