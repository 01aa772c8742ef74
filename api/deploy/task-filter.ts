import { z } from 'zod';
import { deployTaskStatuses, levels } from '../../workflows/deploy/contract.ts';
import { flag, id, moment } from '../operations/schemas.ts';

/** One or several values, separated by commas. */
const several = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z
    .string()
    .meta({ pattern: `^(${values.join('|')})(,(${values.join('|')}))*$` })
    .transform((given) => given.split(','))
    .pipe(z.array(z.enum(values)).min(1));

export const taskFilter = z.object({
  application: id.optional(),
  creator: z.string().max(64).optional(),
  level: several(levels).optional(),
  status: several(deployTaskStatuses).optional(),
  version: z.string().max(128).optional(),
  time__gt: moment.optional(),
  time__lt: moment.optional(),
  mine: flag.optional(),
  awaiting_me: flag.optional(),
});
