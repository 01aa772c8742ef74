// Decisions on requests of every kind go to the request's workflow, which decides. The gate is first checked against the
// row, which refuses most invalid decisions without the engine.
import type { UpdateDefinition } from '@temporalio/common';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { WorkflowMissingError } from '../engine/engine.ts';
import type { WorkflowStart } from '../engine/engine.ts';
import type { Ctx } from '../operations/context.ts';
import { notFound } from '../operations/permissions.ts';

/** A kind of request, as decisions need it. */
export interface Decidable<Row extends { id: number; seq: number }, View> {
  load(db: Kysely<Database>, id: number): Promise<Row | undefined>;
  /** The input of the gates, from the rows. */
  view(db: Kysely<Database>, row: Row): Promise<View>;
  /** The start of the request's workflow, in case the engine never received it. */
  start(row: Row): WorkflowStart;
}

type Gate<View> = (view: View) => Problem | undefined;

/** A request that the caller is known to be allowed to see. */
export async function loadRequest<Row extends { id: number; seq: number }>(
  { load }: Pick<Decidable<Row, never>, 'load'>,
  { db }: Pick<Ctx, 'db'>,
  id: number,
): Promise<Row> {
  const row = await load(db, id);
  if (!row) throw notFound();
  return row;
}

/** Submits a decision on a request, as the permission check loaded it. */
export async function decide<Row extends { id: number; seq: number }, View, R, I>(
  ctx: Ctx<Row>,
  kind: Decidable<Row, View>,
  update: UpdateDefinition<R, [I]>,
  input: I,
  gate: Gate<View>,
): Promise<R> {
  const start = kind.start(ctx.allowed);
  const { workflowId } = start;
  const refused = gate(await kind.view(ctx.db, ctx.allowed));
  if (refused) {
    // The row may already show this request's effect, if its response was lost: the repetition then gets that response.
    const earlier = ctx.repeatable && (await ctx.engine.answerOf(workflowId, ctx.operationId));
    if (earlier) return earlier.answer as R;
    throw refused;
  }
  const ask = (): Promise<R> => ctx.engine.update(workflowId, update, input, ctx.operationId);
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof WorkflowMissingError)) throw error;
  }
  // The request has ended meanwhile (then the gate says how), or the engine was unavailable when it was created.
  const now = await loadRequest(kind, ctx, ctx.allowed.id);
  const refusedNow = gate(await kind.view(ctx.db, now));
  if (refusedNow) throw refusedNow;
  if (now.seq > 0) throw new Problem('workflow_lost');
  await ctx.engine.start(start);
  try {
    return await ask();
  } catch (error) {
    throw error instanceof WorkflowMissingError ? new Problem('workflow_lost') : error;
  }
}
