import {
  addRequirements,
  dropRequirements,
  lockRequirements,
  requirementPath,
} from '../../db/applications/relations.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { demandEntries, type FieldOf } from '../operations/list-bodies.ts';
import { pathText } from './place.ts';

/** Adds requirements of an application; throws if that would close a cycle. */
export async function addRequired(ctx: ChangeCtx, id: number, requiredIds: readonly number[], field?: FieldOf) {
  await demandEntries(ctx, 'application', 'view_app', requiredIds, field);
  await lockRequirements(ctx.tx);
  for (const one of requiredIds) {
    const back = one === id ? [id] : await requirementPath(ctx.tx, one, id);
    if (back) throw new Problem('cycle', { path: await pathText(ctx, [id, ...back]) });
  }
  await addRequirements(ctx.tx, id, requiredIds);
}

/** Replaces the requirements that the caller may view. */
export async function replaceRequired(
  ctx: ChangeCtx,
  id: number,
  seen: readonly number[],
  wanted: readonly number[],
  field: FieldOf,
): Promise<void> {
  await addRequired(ctx, id, wanted, field);
  await dropRequirements(
    ctx.tx,
    id,
    seen.filter((one) => !wanted.includes(one)),
  );
}
