// All kinds of requests by name, for the parts of Slipway that handle any of them.
import type { Kysely } from 'kysely';
import type { RequestKind } from '../../workflows/approvals/contract.ts';
import type { ResourceKind } from '../../workflows/requests/contract.ts';
import type { RequestTable } from '../approvals/request-table.ts';
import type { AuditedRequest, RequestRow, TransitionRules } from '../approvals/transitions.ts';
import type { Database } from '../database.ts';
import { deployRules } from '../deploy/transitions.ts';
import { certificateRequests } from './certificates.ts';
import { domainRequests } from './domains.ts';
import { hostRequests } from './hosts.ts';
import type { ResourceRules } from './kind.ts';

const resources = {
  host_request: hostRequests,
  domain_request: domainRequests,
  certificate_request: certificateRequests,
};

/** The rules of a kind; they apply to rows that they found themselves. */
export const resourceRulesOf = (kind: ResourceKind): ResourceRules => resources[kind];

interface NamedRequest extends RequestRow {
  creatorId: number;
}

const rulesOf = (kind: RequestKind): TransitionRules<NamedRequest> =>
  kind === 'deploy_task' ? deployRules : resources[kind];

export const requestTables: readonly RequestTable[] = [deployRules, ...Object.values(resources)].map(
  ({ table }) => table,
);

/** A request of any kind: who made it, and how people call it. */
export async function findAnyRequest(
  db: Kysely<Database>,
  kind: RequestKind,
  id: number,
): Promise<(Pick<AuditedRequest, 'label' | 'targetName'> & { creatorId: number }) | undefined> {
  const rules = rulesOf(kind);
  const row = await rules.find(db, id);
  if (!row) return undefined;
  const { label, targetName } = rules.audited(row, '');
  return { creatorId: row.creatorId, label, targetName };
}
