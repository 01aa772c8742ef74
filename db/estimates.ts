import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { Database } from './database.ts';

interface Plan {
  'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }];
}

interface Estimate {
  rows: number;
  time: number;
}

// Asked for again by each page that somebody looks at: for so long it may as well stay, and most are kept.
const estimateMs = 10_000;
const mostEstimates = 1_000;
const estimates = new WeakMap<Kysely<Database>, Map<string, Estimate>>();

/** How many rows a query has by the planner's reckoning, as it was some seconds ago at most. */
export async function estimatedRows<DB, TB extends keyof DB, Row>(
  db: Kysely<Database>,
  query: SelectQueryBuilder<DB, TB, Row>,
): Promise<number> {
  const known = estimates.get(db) ?? new Map<string, Estimate>();
  const { sql: text, parameters } = query.compile();
  const key = JSON.stringify([text, parameters]);
  const before = known.get(key);
  if (before && performance.now() - before.time < estimateMs) return before.rows;
  const [row] = await query.explain<Plan>('json');
  const rows = row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
  if (known.size >= mostEstimates) known.clear();
  estimates.set(db, known.set(key, { rows, time: performance.now() }));
  return rows;
}
