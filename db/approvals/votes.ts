// Votes, delegations and events of requests of every kind.
import type { Kysely } from 'kysely';
import { builtInPolicy } from '../../workflows/approvals/contract.ts';
import type { ApprovalPolicy, RequestKind, Voter } from '../../workflows/approvals/contract.ts';
import type { Database } from '../database.ts';

export interface RoundVote {
  requestId: number;
  userId: number;
  user: string;
  time: Date;
  planHash: string | null;
  channel: string;
  step: number;
  voter: Voter | undefined;
}

/** The votes of a request's present round, in the order of casting. */
export async function votesOf(
  db: Kysely<Database>,
  kind: RequestKind,
  { id, planRound }: { id: number; planRound: number },
): Promise<RoundVote[]> {
  const rows = await db
    .selectFrom('votes')
    .innerJoin('users', 'users.id', 'votes.userId')
    .select(['votes.requestId', 'votes.userId', 'users.username as user', 'votes.time', 'votes.planHash'])
    .select(['votes.channel', 'votes.step', 'votes.voter'])
    .where('votes.kind', '=', kind)
    .where('votes.requestId', '=', id)
    .where('votes.round', '=', planRound)
    .orderBy('votes.time')
    .execute();
  return rows.map((row) => ({ ...row, voter: row.voter ?? undefined }));
}

/** The policy that a request keeps. */
export const policyOf = ({
  policy,
  requiredApprovals,
}: {
  policy: ApprovalPolicy | null;
  requiredApprovals: number;
}): ApprovalPolicy => policy ?? builtInPolicy(requiredApprovals);

interface RequestEvent {
  kind: RequestKind;
  requestId: number;
  event: string;
  by: string;
  reason?: string | null | undefined;
  channel: string;
}

export async function addEvent(tx: Kysely<Database>, event: RequestEvent): Promise<void> {
  await tx
    .insertInto('requestEvents')
    .values({ ...event, reason: event.reason ?? null })
    .execute();
}

/** The history of a request, oldest first. */
export const eventsOf = (db: Kysely<Database>, kind: RequestKind, requestId: number) =>
  db
    .selectFrom('requestEvents')
    .select(['event', 'by', 'time', 'reason', 'channel'])
    .where('kind', '=', kind)
    .where('requestId', '=', requestId)
    .orderBy('id')
    .execute();

/** The chain of delegations of a request, oldest first. */
export const delegationsOf = (db: Kysely<Database>, kind: RequestKind, requestId: number) =>
  db
    .selectFrom('delegations')
    .innerJoin('users as from', 'from.id', 'delegations.fromId')
    .innerJoin('users as to', 'to.id', 'delegations.toId')
    .select(['from.username as from', 'to.username as to', 'delegations.time', 'delegations.phase'])
    .where('kind', '=', kind)
    .where('requestId', '=', requestId)
    .orderBy('delegations.id')
    .execute();
