// `open_to` of a task in SQL: whose votes would count now, as the workflow has worked it out at the last transition. The
// parts are about the task `task` (an alias of deploy_tasks) and the user with the id `user`.
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import { requestKind } from './tasks.ts';

type Part = RawBuilder<SqlBool>;

/** It is under review, or was started without approval and has still to be looked at. */
export function isOpen(task: string): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`(${at}.status = 'wait_review'
    or (${at}.broke_glass_by_id is not null and (${at}.open_to->>'anyone')::boolean))`;
}

/** An open group is anybody's, lists the user, or is of a role of his. */
export function meantBy(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`((${at}.open_to->>'anyone')::boolean or ${at}.open_to->'users' @> to_jsonb(${user}::bigint)
    or (${at}.open_to->'roles' <> '[]' and exists (
      select from user_roles where user_roles.user_id = ${user} and ${at}.open_to->'roles' @> to_jsonb(user_roles.role_id))))`;
}

/** Somebody whom an open group lists, or anybody where one is anybody's, has let him review. */
export function standsIn(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`exists (select from delegations where kind = ${requestKind} and request_id = ${at}.id
    and phase = 'review' and to_id = ${user}
    and ((${at}.open_to->>'anyone')::boolean or ${at}.open_to->'users' @> to_jsonb(from_id)))`;
}

/** He has neither voted nor made, changed or started it himself, unless the policy lets creators vote. */
export function mayJudge(task: string, user: RawBuilder<unknown>): Part {
  const at = sql.raw(task);
  return sql<SqlBool>`(not exists (select from votes where votes.kind = ${requestKind}
      and votes.request_id = ${at}.id and votes.round = ${at}.plan_round and votes.user_id = ${user})
    and ${at}.broke_glass_by_id is distinct from ${user}
    and ((${at}.policy->>'creatorMayVote')::boolean is true and ${at}.broke_glass_by_id is null
      or (${at}.creator_id <> ${user} and ${at}.changed_by_id is distinct from ${user})))`;
}
