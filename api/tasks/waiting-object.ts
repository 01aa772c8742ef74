import { z } from 'zod';
import { waitingKinds } from '../../workflows/tasks/contract.ts';
import { time } from '../operations/schemas.ts';

/** The waiting reason of a task or sub-task; null if it is not waiting. */
export const waitingObject = z
  .object({
    kind: z.enum(waitingKinds),
    text: z.string(),
    users: z.array(z.string()),
    until: time.nullable(),
  })
  .nullable();
