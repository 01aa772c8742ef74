import type { Compilable, CompiledQuery, Kysely, SelectQueryBuilder } from 'kysely';
import type { Database } from '../database.ts';

interface Plan {
  'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }];
}

interface Estimate {
  rows: number;
  time: number;
}

// Each page view asks for the estimate again: it is cached this long, and at most this many.
const estimateMs = 10_000;
const mostEstimates = 1_000;
const estimates = new WeakMap<Kysely<Database>, Map<string, Estimate>>();

const keyOf = ({ sql: text, parameters }: CompiledQuery, moreThan: number): string =>
  JSON.stringify([text, parameters, moreThan]);

/** A cached result of `estimatedRows`, a few seconds old at most. */
export function keptEstimate(db: Kysely<Database>, query: Compilable, moreThan: number): number | undefined {
  const before = estimates.get(db)?.get(keyOf(query.compile(), moreThan));
  return before && performance.now() - before.time < estimateMs ? before.rows : undefined;
}

/** The planner's estimate of a query's rows, at least the given lower bound. */
export async function estimatedRows<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
  moreThan: number,
): Promise<number> {
  const [row] = await query.explain<Plan>('json');
  const rows = Math.max(row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0, moreThan + 1);
  const known = estimates.get(db) ?? new Map<string, Estimate>();
  if (known.size >= mostEstimates) known.clear();
  estimates.set(db, known.set(keyOf(query.compile(), moreThan), { rows, time: performance.now() }));
  return rows;
}
