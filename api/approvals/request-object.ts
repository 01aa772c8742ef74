// What responses show of the approval of a request, whatever its kind.
import { z } from 'zod';
import type { RoundVote } from '../../db/approvals/votes.ts';
import type { Voter } from '../../workflows/approvals/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { iso, time } from '../operations/schemas.ts';

export const approvalsObject = z.object({
  required: z.int(),
  given: z.array(z.object({ user: z.string(), time, plan_hash: z.string().nullable(), channel: z.string() })),
  missing: z.string(),
});

export const presentApprovals = (
  required: number,
  votes: readonly RoundVote[],
  missing: string,
): z.input<typeof approvalsObject> => ({
  required,
  given: votes.map((vote) => ({
    user: vote.user,
    time: iso(vote.time),
    plan_hash: vote.planHash,
    channel: vote.channel,
  })),
  missing,
});

export const historyObject = z.array(
  z.object({ event: z.string(), by: z.string(), time, reason: z.string().nullable(), channel: z.string() }),
);

/** Rows with a time, as responses have them. */
export const withIsoTime = <Row extends { time: Date }>(rows: readonly Row[]) =>
  rows.map((row) => ({ ...row, time: iso(row.time) }));

/** The caller as a voter without delegations. */
export const ownVoter = ({ userId, roleIds: roles }: Ctx['subject'], holds: boolean): Voter => ({
  roles,
  holds,
  delegators: [],
  seats: holds ? [{ userId, roles }] : [],
});
