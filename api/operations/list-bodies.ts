// Bodies that are lists: all or nothing, each object once; errors name the index.
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { mayOnEach, type Scope, type ScopePermissions } from '../../db/access/rights.ts';
import type { Database } from '../../db/database.ts';
import { detail, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx, Ctx } from './context.ts';
import type { Permission } from './permissions.ts';
import { distinct, id } from './schemas.ts';
import { issue } from './issue.ts';

/** Rejects elements with the same key; `field` is appended to the index in the error. */
export function eachOnce<T>(key: (element: T) => unknown, field = 'id') {
  return (elements: readonly T[], refinement: z.core.$RefinementCtx): void => {
    const seen = new Set<unknown>();
    for (const [index, element] of elements.entries()) {
      const own = key(element);
      if (seen.has(own))
        refinement.addIssue({
          code: 'custom',
          path: field === '' ? [index] : [index, field],
          message: issue('is_there_twice'),
        });
      seen.add(own);
    }
  };
}

/** A body or a field `[{"id"}]`, each id once. */
export const idEntries = (most = 100, least = 1) =>
  z
    .array(z.object({ id }))
    .min(least)
    .max(most)
    .superRefine(eachOnce((entry) => entry.id))
    .meta(distinct);

/** A field `[1, 2]`, each id once. */
export const idList = (most: number) =>
  z
    .array(id)
    .max(most)
    .superRefine(eachOnce<number>((one) => one, ''))
    .meta(distinct);

/** Location of the id of an element in a body; `[{"id"}]` by default. */
export type FieldOf = (index: number) => string;
const entryField: FieldOf = (index) => `${index}.id`;

/** The problem for ids that do not exist or that the caller may not see. */
export function noSuch(
  thing: string,
  ids: readonly number[],
  missing: (id: number, index: number) => boolean,
  field: FieldOf = entryField,
) {
  const details = ids.flatMap((one, index) =>
    missing(one, index)
      ? [{ id: one, detail: detail(field(index), new Problem('no_such', { thing, id: one }).said) }]
      : [],
  );
  const [first] = details;
  if (first)
    throw new Problem(
      'no_such',
      { thing, id: first.id },
      details.map((one) => one.detail),
    );
}

/** Throws unless the caller holds a permission on each object that a body names. */
export async function demandEntries<S extends Scope>(
  ctx: Ctx | ChangeCtx,
  scope: S,
  name: ScopePermissions[S],
  ids: readonly number[],
  field: FieldOf = entryField,
): Promise<void> {
  if (ids.length === 0) return;
  const db: Kysely<Database> = 'tx' in ctx ? ctx.tx : ctx.db;
  const may = await mayOnEach(db, ctx.subject, scope, name, ids);
  noSuch(scope, ids, (one) => may.get(one) === 'hidden', field);
  const refused = ids.flatMap((one, index) =>
    may.get(one) === 'no' ? [detail(field(index), new Problem('not_allowed', { permission: name }).said)] : [],
  );
  if (refused.length > 0) throw new Problem('not_allowed', { permission: name }, refused);
}

/** A permission whose handler requires further ones on objects of the body. */
export const withMore = (base: Permission, ...names: string[]): Permission => ({
  ...base,
  names: [...base.names, ...names.filter((name) => !base.names.includes(name))],
});
