// What a list shows of requests besides their rows, as SQL for one statement per page whatever its size.
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isOpen, reviewersNow } from './eligible-voters.ts';
import type { RequestTable } from './request-table.ts';
import type { RoundVote } from './votes.ts';

/** The part that all kinds have. */
export interface RequestReferences {
  /** Of the present round. */
  votes: RoundVote[];
  /** Users who delegated their review to the caller. */
  delegators: number[];
  /** Some of the users whose votes would count now. */
  reviewers: string[];
}

type FoundVote = Omit<RoundVote, 'time' | 'voter'> & { time: string; voter: RoundVote['voter'] | null };
export type FoundReferences = Omit<RequestReferences, 'votes'> & { votes: FoundVote[] };

/** The columns `votes`, `delegators` and `reviewers` of the request `at`, as `userId` sees them. */
export const referenceColumns = (table: RequestTable, at: string, userId: number): RawBuilder<unknown> => {
  const request = sql.raw(at);
  return sql`
    (select coalesce(json_agg(json_build_object('requestId', votes.request_id, 'userId', votes.user_id,
        'user', users.username, 'time', votes.time, 'planHash', votes.plan_hash, 'channel', votes.channel,
        'step', votes.step, 'voter', votes.voter)
        order by votes.time), '[]')
      from votes join users on users.id = votes.user_id
      where kind = ${table.kind} and request_id = ${request}.id and round = ${request}.plan_round) as votes,
    (select coalesce(json_agg(from_id), '[]') from delegations where kind = ${table.kind}
      and request_id = ${request}.id and phase = 'review' and to_id = ${userId}) as delegators,
    case when ${isOpen(table, at)} then ${reviewersNow(table, at)} else '[]' end as reviewers`;
};

/** Restores the types that JSON lacks. */
export const presentVotes = (votes: readonly FoundVote[]): RoundVote[] =>
  votes.map(({ voter, time, ...vote }) => ({ ...vote, time: new Date(time), voter: voter ?? undefined }));
