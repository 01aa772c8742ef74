// The operations that every kind of approved request has: approve, reject, close, explain. A kind supplies its paths, its
// permissions and its gates; the rules of voting are in workflows/approvals/.
import { z } from 'zod';
import type { VotedOn, Where } from '../../db/approvals/people.ts';
import { votesOf } from '../../db/approvals/votes.ts';
import { approveUpdate, closeUpdate, rejectUpdate } from '../../workflows/approvals/contract.ts';
import type { ApprovalView, RequestKind, Voter } from '../../workflows/approvals/contract.ts';
import { canApprove, canReject } from '../../workflows/approvals/policy.ts';
import type { Problem, ProblemName } from '../../workflows/problems/problem.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { issue } from '../operations/issue.ts';
import { endpoint } from '../operations/endpoint.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import type { Permission } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { decide } from './decide.ts';
import type { Decidable } from './decide.ts';
import { explain, explanation } from './explain.ts';

/** A kind of request, as its operations need it. */
export interface RequestOperations<
  Row extends { id: number; seq: number; planRound: number },
  View extends ApprovalView,
> {
  kind: RequestKind;
  area: string;
  /** Path of the collection, without the last slash. */
  path: string;
  /** In operation ids: `approve<Name>`. */
  name: string;
  /** In summaries: `Approve a <title>`. */
  title: string;
  decidable: Decidable<Row, View>;
  permissions: Record<'view' | 'approve' | 'reject' | 'close', Permission<Row>>;
  voterOf(ctx: Ctx, row: Row): Promise<Voter>;
  votedOn(row: Row): VotedOn;
  /** The object on which the approving permission is held: its name, and the place of its holders. */
  approvedOn(row: Row): { target: string; where: Where };
  canClose(view: View): Problem | undefined;
  problems: {
    /** Of decisions on a request that is decided already. */
    decided: readonly ProblemName[];
    approve: readonly ProblemName[];
    close: readonly ProblemName[];
  };
}

export const reason = z
  .string()
  .max(1000)
  .refine((value) => !value.includes('\0'), issue('must_not_contain_nul'))
  .optional();

const voting = [
  'workflow_lost',
  'own_request',
  'changed_request',
  'not_your_vote',
  'not_your_step',
  'group_complete',
  'plan_differs',
  'plan_unnamed',
  'plan_pending',
  'seat_taken',
] as const;

type Common = { id: number; seq: number; planRound: number };

/** The operations of a kind, but those that only it has. */
export const requestOperations = <Row extends Common, View extends ApprovalView>(
  kind: RequestOperations<Row, View>,
): Endpoint[] => [approveOf(kind), rejectOf(kind), closeOf(kind), explainOf(kind)];

const approveOf = <Row extends Common, View extends ApprovalView>(kind: RequestOperations<Row, View>): Endpoint =>
  command({
    method: 'post',
    path: `${kind.path}/{id}/actions/approve/`,
    id: `approve${kind.name}`,
    area: kind.area,
    summary: `Approve a ${kind.title}`,
    permission: kind.permissions.approve,
    body: z
      .strictObject({
        plan_hash: z.string().max(64).optional().describe('of the plan that was looked at; needed once it has changed'),
        reason,
      })
      .optional(),
    returns: success,
    problems: [...kind.problems.decided, ...voting, ...kind.problems.approve],
    async handle({ body }, ctx) {
      const voter = await kind.voterOf(ctx, ctx.allowed);
      const input = { actor: ctx.by, voter, planHash: body?.plan_hash, reason: body?.reason };
      await decide(ctx, kind.decidable, approveUpdate, input, (view) => canApprove(view, input));
      return done;
    },
  });

const rejectOf = <Row extends Common, View extends ApprovalView>(kind: RequestOperations<Row, View>): Endpoint =>
  command({
    method: 'post',
    path: `${kind.path}/{id}/actions/reject/`,
    id: `reject${kind.name}`,
    area: kind.area,
    summary: `Reject a ${kind.title}`,
    permission: kind.permissions.reject,
    body: z.strictObject({ reason }).optional(),
    returns: success,
    problems: [...kind.problems.decided, 'workflow_lost', 'own_request', 'changed_request'],
    async handle({ body }, ctx) {
      const input = { actor: ctx.by, reason: body?.reason };
      await decide(ctx, kind.decidable, rejectUpdate, input, (view) => canReject(view, ctx.by));
      return done;
    },
  });

const closeOf = <Row extends Common, View extends ApprovalView>(kind: RequestOperations<Row, View>): Endpoint =>
  command({
    method: 'post',
    path: `${kind.path}/{id}/actions/close/`,
    id: `close${kind.name}`,
    area: kind.area,
    summary: `Close a ${kind.title}`,
    permission: kind.permissions.close,
    body: z.strictObject({ reason }).optional(),
    returns: success,
    problems: ['workflow_lost', ...kind.problems.close],
    async handle({ body }, ctx) {
      const input = { actor: ctx.by, reason: body?.reason };
      await decide(ctx, kind.decidable, closeUpdate, input, kind.canClose);
      return done;
    },
  });

const explainOf = <Row extends Common, View extends ApprovalView>(kind: RequestOperations<Row, View>): Endpoint =>
  endpoint({
    method: 'get',
    path: `${kind.path}/{id}/explain/`,
    id: `explain${kind.name}`,
    area: kind.area,
    summary: `Who may approve a ${kind.title}, who has, what is missing, and why the caller may or may not`,
    permission: kind.permissions.view,
    returns: explanation,
    async handle(_input, ctx) {
      const row = ctx.allowed;
      const view = await kind.decidable.view(ctx.db, row);
      const votes = await votesOf(ctx.db, kind.kind, row);
      const voter = await kind.voterOf(ctx, row);
      const explained = { view: { ...view, votes }, voter, request: kind.votedOn(row), ...kind.approvedOn(row) };
      return explain(explained, ctx);
    },
  });
