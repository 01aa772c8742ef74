import { z } from 'zod';
import { deployTaskStatuses, levels } from '../../workflows/deploy/contract.ts';
import { flag, id, moment, several } from '../operations/schemas.ts';

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
