import { z } from 'zod';
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
