import type { ChangeCtx } from '../operations/context.ts';
import { demandEntries, type FieldOf } from '../operations/list-bodies.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { diff } from '../../db/audit/changes.ts';
import { namesOf, place } from './place.ts';
import { updateEntries } from './text.ts';

const rowsOf = (ctx: ChangeCtx, ids: readonly number[]) =>
  ctx.tx
    .selectFrom('applications')
    .where('id', 'in', ids.length > 0 ? ids : [0])
    .select(['id', 'name', 'fullName', 'parentId'])
    .orderBy('id')
    .execute();

/** Makes applications children of another, each audited; the tree is locked. */
export async function addChildren(ctx: ChangeCtx, parentId: number, ids: readonly number[], field?: FieldOf) {
  await demandEntries(ctx, 'application', 'edit_app', ids, field);
  for (const child of await rowsOf(ctx, ids)) {
    if (child.parentId === parentId) continue;
    if (child.parentId !== null) {
      const names = await namesOf(ctx, [child.id, child.parentId]);
      const other = names.get(child.parentId) ?? `#${child.parentId}`;
      throw new Problem('belongs_elsewhere', { name: child.name, other });
    }
    await place(ctx, child, parentId);
    ctx.audit(...updateEntries(child, diff({ parentApp: null }, { parentApp: parentId })));
  }
}

/** Makes children roots, each audited; the tree is locked and they are children. */
export async function dropChildren(ctx: ChangeCtx, parentId: number, ids: readonly number[], field?: FieldOf) {
  await demandEntries(ctx, 'application', 'edit_app', ids, field);
  for (const child of await rowsOf(ctx, ids)) {
    await place(ctx, child, null);
    ctx.audit(...updateEntries(child, diff({ parentApp: parentId }, { parentApp: null })));
  }
}
