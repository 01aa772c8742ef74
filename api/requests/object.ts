// What responses show of every kind of resource request.
import { z } from 'zod';
import { holds } from '../../db/access/rights.ts';
import { voterOf } from '../../db/approvals/people.ts';
import type { RequestReferences } from '../../db/approvals/references.ts';
import { eventsOf } from '../../db/approvals/votes.ts';
import { resourceReferences } from '../../db/requests/find.ts';
import type { ResourceRow, ResourceRules } from '../../db/requests/kind.ts';
import { renderReason } from '../../kit/messages/message.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import { availableActions } from '../../workflows/approvals/policy.ts';
import { expiryOf, missingVotes, requiredVotes } from '../../workflows/approvals/quorum.ts';
import { resourceStatuses } from '../../workflows/requests/contract.ts';
import type { ResourceKind, ResourceStatus } from '../../workflows/requests/contract.ts';
import { resourceActions, resourceWaitingOn } from '../../workflows/requests/policy.ts';
import {
  approvalsObject,
  historyObject,
  ownVoter,
  presentApprovals,
  withIsoTime,
} from '../approvals/request-object.ts';
import type { Ctx } from '../operations/context.ts';
import { actions, iso, time } from '../operations/schemas.ts';
import { said, saidWaiting } from '../operations/translate.ts';
import { waitingObject } from '../tasks/waiting-object.ts';
import { resourceView } from './decidable.ts';

/** The fields of every kind. */
export const commonFields = {
  id: z.int(),
  creator: z.string(),
  purpose: z.string(),
  status: z.enum(resourceStatuses),
  error: z.string().nullable(),
  plan_hash: z.string().nullable(),
  waiting_on: waitingObject,
  approvals: approvalsObject,
  created_time: time,
  updated_time: time.nullable(),
  finished_time: time.nullable(),
  closed_time: time.nullable(),
  available_actions: actions('edit', 'approve', 'reject', 'close', 'retry'),
};

export const detailFields = { history: historyObject };

type Common = z.input<z.ZodObject<typeof commonFields>>;

/** The common fields of a page of requests by id; related data is read once for the whole page. */
export async function presentCommon<Row extends ResourceRow>(
  ctx: Ctx,
  rules: ResourceRules<Row>,
  rows: readonly Row[],
): Promise<Map<number, Common>> {
  const ids = rows.map(({ id }) => id);
  const references = await resourceReferences(ctx.db, rules, ids, ctx.subject.userId);
  const shown = await Promise.all(
    rows.map(async (row) => presentOne(ctx, rules, row, references.get(row.id) ?? noReferences)),
  );
  return new Map(shown.map((one) => [one.id, one]));
}

const noReferences: RequestReferences = { votes: [], delegators: [], reviewers: [] };

async function presentOne<Row extends ResourceRow>(
  ctx: Ctx,
  rules: ResourceRules<Row>,
  row: Row,
  { votes, delegators, reviewers }: RequestReferences,
): Promise<Common> {
  const { kind } = rules.table;
  const trouble = row.error ?? row.trouble?.said ?? null;
  const view = resourceView(kind, row, votes);
  const voter =
    delegators.length > 0
      ? await voterOf(ctx.db, ctx.subject, { kind, id: row.id, applicationId: null })
      : ownVoter(ctx.subject, holds(ctx.subject, approvingPermissions[kind]));
  const waiting = resourceWaitingOn({
    ...view,
    creator: row.creator,
    reviewers,
    expires: expiryOf(view.policy, iso(row.reviewSince ?? row.createdTime)),
    engineError: row.error,
  });
  const missing = row.status === 'wait_review' ? missingVotes(view) : null;
  return {
    id: row.id,
    creator: row.creator,
    purpose: row.purpose,
    status: row.status as ResourceStatus,
    error: trouble === null ? null : renderReason(trouble, ctx.language),
    plan_hash: row.planHash,
    waiting_on: saidWaiting(ctx, waiting),
    approvals: presentApprovals(requiredVotes(view.policy), votes, missing ? said(ctx, missing) : ''),
    created_time: iso(row.createdTime),
    updated_time: iso(row.updatedTime),
    finished_time: iso(row.finishedTime),
    closed_time: iso(row.closedTime),
    available_actions: availableActions(resourceActions, view, { actor: ctx.by, voter }, ctx.now()),
  };
}

export const presentDetail = async (ctx: Ctx, kind: ResourceKind, id: number) => ({
  history: withIsoTime(await eventsOf(ctx.db, kind, id)),
});
