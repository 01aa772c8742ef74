// `open_to` of a task in SQL: the users whose votes would count now, as the workflow computed at the last transition. The
// parts refer to the task `task` (an alias of deploy_tasks) and the user with the id `user`.
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import { reviewersOf } from '../approvals/people.ts';
import { requestKind } from './tasks.ts';

type Part = RawBuilder<SqlBool>;

/** It is under review, or was started without approval and has still to be looked at. */
export function isOpen(task: string): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`(${at}.status = 'wait_review'
    or (${at}.broke_glass_by_id is not null and (${at}.open_to->>'anyone')::boolean))`;
}

/** A group is open to anyone, lists the user, or is of one of their roles; and their seat has no vote yet. */
export function meantBy(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`(not coalesce(${at}.open_to->'taken', '[]') @> to_jsonb(${user}::bigint)
    and ((${at}.open_to->>'anyone')::boolean or ${at}.open_to->'users' @> to_jsonb(${user}::bigint)
    or (${at}.open_to->'roles' <> '[]' and exists (
      select from user_roles where user_roles.user_id = ${user} and ${at}.open_to->'roles' @> to_jsonb(user_roles.role_id)))))`;
}

/** A listed reviewer (or anyone, for an open group) delegated their review to this user, via enabled reviewers only. */
export function standsIn(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  const handed = sql`select delegations.from_id from delegations join users as giver on giver.id = delegations.from_id
    where delegations.kind = ${requestKind} and delegations.request_id = ${at}.id and delegations.phase = 'review'
      and giver.status = 'enabled' and giver.id in (${reviewersOf(sql`${at}.application_id`)})`;
  return sql<SqlBool>`exists (with recursive chain(giver_id) as (
      ${handed} and delegations.to_id = ${user}
      union select further.from_id from chain join lateral (${handed} and delegations.to_id = chain.giver_id) as further on true)
    select from chain where ${isOthers(task, sql`chain.giver_id`)} and ${meantBy(task, sql`chain.giver_id`)})`;
}

/** Excludes the task's creator, editors and unapproved starters, unless the policy lets creators vote. */
function isOthers(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`(${at}.broke_glass_by_id is distinct from ${user}
    and ((${at}.policy->>'creatorMayVote')::boolean is true and ${at}.broke_glass_by_id is null
      or (${at}.creator_id <> ${user} and ${at}.changed_by_id is distinct from ${user})))`;
}

/** The user has not voted, and did not create, change or start the task unapproved, unless creators may vote. */
export function mayJudge(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`(not exists (select from votes where votes.kind = ${requestKind}
      and votes.request_id = ${at}.id and votes.round = ${at}.plan_round and votes.user_id = ${user})
    and ${isOthers(task, user)})`;
}
