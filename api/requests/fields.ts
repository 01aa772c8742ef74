// Fields that several kinds of resource requests have.
import { z } from 'zod';
import { mayOnEach } from '../../db/access/rights.ts';
import { msg } from '../../kit/messages/message.ts';
import { Problem, detail } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { issue } from '../operations/issue.ts';
import { distinct, id, idEntry } from '../operations/schemas.ts';

export const text = (most: number) =>
  z
    .string()
    .max(most)
    .refine((value) => !value.includes('\0'), issue('must_not_contain_nul'));

const digits = (most: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,3}$/, issue('must_be_days'))
    .refine((value) => Number(value) <= most, issue('must_be_at_most', { n: most }));

/** Days as digits; a number is accepted. */
export const days = (most: number) =>
  z.preprocess((value) => (typeof value === 'number' ? String(value) : value), digits(most)).transform(Number);

const unlike = (ids: readonly number[]): boolean => new Set(ids).size === ids.length;

/** Ids, or objects with an id. */
export const ids = (most: number) =>
  z
    .array(z.union([id, idEntry.transform((one) => one.id)]))
    .max(most)
    .refine(unlike, issue('is_there_twice'))
    .meta(distinct);

/** Applications by id; a single number is accepted. */
export const applications = z.preprocess(
  (value) => (typeof value === 'number' || typeof value === 'string' ? [value] : value),
  ids(100),
);

/** Throws Problem `no_such` naming the first of these that is not found, with its index in the field. */
export function demandAll(field: string, thing: string, wanted: readonly number[], found: ReadonlySet<number>): void {
  const index = wanted.findIndex((one) => !found.has(one));
  if (index < 0) return;
  throw new Problem('no_such', { thing, id: wanted[index] ?? 0 }, [detail(`${field}.${index}`, msg('is_not_found'))]);
}

/** Applications have to be visible to the caller. */
export async function demandApplications(ctx: Ctx, wanted: readonly number[]): Promise<void> {
  const may = await mayOnEach(ctx.db, ctx.subject, 'application', 'view_app', wanted);
  const seen = [...may].filter(([, one]) => one === 'yes').map(([one]) => one);
  demandAll('associated_app', 'application', wanted, new Set(seen));
}
