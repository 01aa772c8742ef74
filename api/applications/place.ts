// Moves in the tree of applications. Callers must have locked the tree.
import type { Kysely } from 'kysely';
import { mayOnEach } from '../../db/access/rights.ts';
import { deepest, heightOf, lineOf, renameSubtree } from '../../db/applications/tree.ts';
import type { Database } from '../../db/database.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { nameTaken, unlessTaken } from '../operations/unique-names.ts';
import { msg } from '../../kit/messages/message.ts';

const longestFullName = 512;

/** Rejects a parent that would make an application its own ancestor, or nest it too deeply. */
async function refuseParent(ctx: ChangeCtx, id: number, parentId: number): Promise<void> {
  const line = (await lineOf(ctx.tx, parentId)).map((one) => one.id);
  const at = line.indexOf(id);
  if (at >= 0) throw new Problem('cycle', { path: await pathText(ctx, [...line.slice(at), id]) });
  await refuseDepth(ctx.tx, line.length, id);
}

async function refuseDepth(db: Kysely<Database>, parentDepth: number, id: number): Promise<void> {
  if (parentDepth + (await heightOf(db, id)) > deepest) throw new Problem('too_deep', { n: deepest });
}

/** Names of applications for a message: by number only if the caller may not view them. */
export async function namesOf(ctx: ChangeCtx, ids: readonly number[]): Promise<Map<number, string>> {
  const may = await mayOnEach(ctx.tx, ctx.subject, 'application', 'view_app', [...new Set(ids)]);
  const rows = await ctx.tx.selectFrom('applications').where('id', 'in', ids).select(['id', 'name']).execute();
  return new Map(rows.map(({ id, name }) => [id, may.get(id) === 'yes' ? name : `#${id}`]));
}

/** A path of links for a message. */
export async function pathText(ctx: ChangeCtx, path: readonly number[]): Promise<string> {
  const names = await namesOf(ctx, path);
  return path.map((id) => names.get(id) ?? `#${id}`).join(' → ');
}

/** Moves an application under a parent (null: makes it a root) and rewrites the full names below. */
export async function place(ctx: ChangeCtx, { id, name }: { id: number; name: string }, parentId: number | null) {
  if (parentId !== null) await refuseParent(ctx, id, parentId);
  const moved = ctx.tx
    .updateTable('applications')
    .set({ parentId, name, updatedTime: ctx.now() })
    .where('id', '=', id)
    .execute();
  await unlessTaken(moved, 'applications_sibling', nameTaken(name));
  if ((await renameSubtree(ctx.tx, id)) > longestFullName)
    throw invalidField('name', msg('full_name_too_long', { n: longestFullName }));
}
