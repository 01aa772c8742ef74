import { z } from 'zod';
import { everywhere } from '../../db/access/rights.ts';
import type { Ctx } from '../operations/context.ts';
import { flag, id } from '../operations/schemas.ts';

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
        .regex(/^[1-9]\d{0,14}$/, 'must be ids separated by commas')
        .transform(Number),
    ),
  );

/** Filters that every list of applications has. */
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

/** Whether one plan does for all values of a list's filters: of one at most, for there are many choices of several. */
export function onePlanDoes(query: Partial<Record<Filter, unknown>>, { subject }: Ctx): boolean {
  const [first, ...more] = filters.filter((filter) => query[filter] !== undefined);
  // How a pattern is best looked for depends on it, unless it is among the few applications that the caller may view.
  return more.length === 0 && (first === undefined || !patterns.includes(first) || !everywhere(subject, 'view_app'));
}
