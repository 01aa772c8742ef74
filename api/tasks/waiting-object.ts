import { z } from 'zod';
import { waitingKinds } from '../../workflows/tasks/contract.ts';
import { time } from '../operations/schemas.ts';

/** What a task or a sub-task waits for; null when it waits for nothing. */
export const waitingObject = z
  .object({
    kind: z.enum(waitingKinds),
    text: z.string(),
    users: z.array(z.string()),
    until: time.nullable(),
  })
  .nullable();
