// The plans of resource requests: one for every round, and the hash that votes are bound to.
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { RequestKind } from '../../workflows/approvals/contract.ts';
import type { ResourcePlan } from '../../workflows/requests/contract.ts';
import type { Database } from '../database.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { json } from '../core/jsonb.ts';

/** Hex SHA-256 of a plan. */
export const resourcePlanHash = (plan: ResourcePlan): string =>
  createHash('sha256').update(canonicalJson(plan)).digest('hex');

interface Round {
  kind: RequestKind;
  requestId: number;
  round: number;
}

/** Writes the plan of a round, again if it is there. */
export async function putResourcePlan(db: Kysely<Database>, round: Round, plan: ResourcePlan): Promise<void> {
  const columns = { plan: json(plan) };
  await db
    .insertInto('requestPlans')
    .values({ ...round, ...columns })
    .onConflict((conflict) => conflict.columns(['kind', 'requestId', 'round']).doUpdateSet(columns))
    .execute();
}

/** The plan of a round; undefined if it was never made. */
export const resourcePlanOf = (
  db: Kysely<Database>,
  { kind, requestId, round }: Round,
): Promise<ResourcePlan | undefined> =>
  db
    .selectFrom('requestPlans')
    .select('plan')
    .where('kind', '=', kind)
    .where('requestId', '=', requestId)
    .where('round', '=', round)
    .executeTakeFirst()
    .then((row) => row?.plan);

const mostNamed = 5;

/** The differences between two plans, in words for the approver of the first one; null: none. */
export function resourcePlanDifference(before: ResourcePlan, after: ResourcePlan): string | null {
  const found = [...differences('', before, after)];
  if (found.length === 0) return null;
  const rest = found.length - mostNamed;
  return [...found.slice(0, mostNamed), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function* differences(path: string, before: unknown, after: unknown): Generator<string> {
  if (isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after)) {
    const isList = Array.isArray(before);
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const name = isList ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
      yield* differences(name, before[key], after[key]);
    }
  } else if (canonicalJson(before ?? null) !== canonicalJson(after ?? null)) {
    yield `${path}: ${shown(before)} → ${shown(after)}`;
  }
}

const longest = 100;

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest - 1).toWellFormed()}…` : text;
}
