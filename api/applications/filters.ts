import { z } from 'zod';
import { everywhere } from '../../db/access/rights.ts';
import type { Ctx } from '../operations/context.ts';
import { flag, id } from '../operations/schemas.ts';
import { issue } from '../operations/issue.ts';

const text = z.string().max(512);

/** Ids separated by commas, or the parameter repeated. */
const ids = z
  .string()
  .max(2000)
  .meta({ pattern: String.raw`^ *[1-9]\d{0,14} *( *, *[1-9]\d{0,14} *)*$` })
  .transform((list) => list.split(',').map((one) => one.trim()))
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[1-9]\d{0,14}$/, issue('must_be_ids'))
        .transform(Number),
    ),
  );

/** Filters common to every list of applications. */
export const commonFilters = z.object({
  name: text.optional(),
  full_name: text.optional(),
  user: text.optional(),
  role: text.optional(),
});

/** Filters of the list of all applications. */
export const allFilters = commonFilters.extend({
  response_persons: ids.optional().meta({ repeatable: true }),
  has_parent: flag.optional(),
  production: id.optional(),
  parent_app: id.optional(),
  application_type: text.optional(),
});

type Filter = keyof typeof allFilters.shape;
const filters = Object.keys(allFilters.shape) as Filter[];

const patterns: readonly Filter[] = ['name', 'full_name', 'application_type'];

/** Whether one plan serves all filter values: with one filter at most, since combinations are many. */
export function onePlanDoes(query: Partial<Record<Filter, unknown>>, { subject }: Ctx): boolean {
  const [first, ...more] = filters.filter((filter) => query[filter] !== undefined);
  // The best plan for a pattern depends on it, unless the caller may view only a few applications.
  return more.length === 0 && (first === undefined || !patterns.includes(first) || !everywhere(subject, 'view_app'));
}
