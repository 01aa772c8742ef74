import { policyOf, votesOf } from '../../db/approvals/votes.ts';
import type { ResourceRow, ResourceRules } from '../../db/requests/kind.ts';
import type { CastVote } from '../../workflows/approvals/contract.ts';
import { resourceWorkflowId, resourceWorkflows } from '../../workflows/requests/contract.ts';
import type { ResourceKind, ResourceRequestInput } from '../../workflows/requests/contract.ts';
import type { ResourceView } from '../../workflows/requests/policy.ts';
import type { Decidable } from '../approvals/decide.ts';
import type { WorkflowStart } from '../engine/engine.ts';

/** The start of a newly created request's workflow. */
export function resourceStart<Row extends ResourceRow>(
  { table: { kind }, title, about }: ResourceRules<Row>,
  row: Row,
): WorkflowStart {
  const { id, creatorId, creator, status, createdTime } = row;
  const input: ResourceRequestInput = {
    id,
    creator: { id: creatorId, username: creator },
    policy: policyOf(row),
    createdTime: createdTime.toISOString(),
  };
  return {
    workflow: resourceWorkflows[kind],
    workflowId: resourceWorkflowId(kind, id),
    input,
    summary: `${title}: ${about(row)}, by ${creator}`.slice(0, 200),
    attributes: { kind, status, creator },
  };
}

/** What the gates look at, from the rows. */
export const resourceView = (kind: ResourceKind, row: ResourceRow, votes: readonly CastVote[]): ResourceView => ({
  kind,
  status: row.status,
  creatorId: row.creatorId,
  ownerId: row.creatorId,
  planHash: row.planHash,
  planRound: row.planRound,
  policy: policyOf(row),
  votes,
  changedById: row.changedById,
  escalated: row.escalated,
  brokeGlassById: null,
  fulfilling: row.fulfilling,
  trouble: row.trouble?.said ?? null,
});

/** The requests of a kind, as decisions need them. */
export const decidable = <Row extends ResourceRow>(rules: ResourceRules<Row>): Decidable<Row, ResourceView> => ({
  load: rules.find,
  view: async (db, row) => resourceView(rules.table.kind, row, await votesOf(db, rules.table.kind, row)),
  start: (row) => resourceStart(rules, row),
});
