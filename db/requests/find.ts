// Finding resource requests for lists, and what a list shows of them besides their rows.
import { sql } from 'kysely';
import type { Kysely, RawBuilder, SqlBool } from 'kysely';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { ResourceStatus } from '../../workflows/requests/contract.ts';
import { holds } from '../access/rights.ts';
import type { Subject } from '../access/rights.ts';
import { mayJudge, meantBy, standsIn } from '../approvals/eligible-voters.ts';
import { presentVotes, referenceColumns } from '../approvals/references.ts';
import type { FoundReferences, RequestReferences } from '../approvals/references.ts';
import type { Database } from '../database.ts';
import { resourceRows } from './kind.ts';
import type { ResourceRow, ResourceRules } from './kind.ts';

/** A condition of a kind's own, on the alias `request`. */
export type Condition = RawBuilder<SqlBool>;

/** Which requests; every given part must hold. `after` and `before` are creation times, strict. */
interface ResourceFilter {
  /** username */
  creator?: string | undefined;
  status?: ResourceStatus[] | undefined;
  after?: Date | undefined;
  before?: Date | undefined;
  mine?: boolean | undefined;
  awaitingMe?: boolean | undefined;
}

/** The requests of a kind that a filter means, of those that the user may see. */
export function selectResources<Row extends ResourceRow>(
  db: Kysely<Database>,
  rules: ResourceRules<Row>,
  filter: ResourceFilter,
  conditions: readonly Condition[],
  subject: Subject,
) {
  const { kind, name } = rules.table;
  const { creator, status, after, before, mine, awaitingMe } = filter;
  let rows = resourceRows<Row>(db, name);
  if (creator !== undefined) rows = rows.where('creator.username', '=', creator);
  if (status !== undefined) rows = rows.where('request.status', 'in', status);
  if (after) rows = rows.where('request.createdTime', '>', after);
  if (before) rows = rows.where('request.createdTime', '<', before);
  for (const condition of conditions) rows = rows.where(condition);
  if (awaitingMe === true) rows = rows.where(awaiting(rules, subject));
  const isLimited = mine === true || !holds(subject, approvingPermissions[kind]);
  return isLimited ? rows.where('request.creatorId', '=', subject.userId) : rows;
}

/** The user's vote is the next step. */
function awaiting({ table }: Pick<ResourceRules, 'table'>, subject: Subject): Condition {
  const user = sql`${subject.userId}`;
  const standing = standsIn(table, 'request', user);
  const reviews = holds(subject, approvingPermissions[table.kind]);
  const isVoter = reviews ? sql<SqlBool>`(${meantBy('request', user)} or ${standing})` : standing;
  return sql<SqlBool>`(request.status = 'wait_review' and ${isVoter} and ${mayJudge(table, 'request', user)})`;
}

/** The references of a page of requests by id, as a user sees them; one statement whatever the page's size. */
export async function resourceReferences(
  db: Kysely<Database>,
  { table }: Pick<ResourceRules, 'table'>,
  ids: readonly number[],
  userId: number,
): Promise<Map<number, RequestReferences>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<FoundReferences & { id: number }>`
    select request.id, ${referenceColumns(table, 'request', userId)}
    from ${sql.table(table.name)} as request where request.id = any(${ids}::bigint[])`.execute(db);
  return new Map(rows.map(({ id, votes, ...rest }) => [id, { ...rest, votes: presentVotes(votes) }]));
}
