// The output of a task for readers, the same for sub-tasks, instance tasks and host tasks, over HTTP and WebSocket.
import { z } from 'zod';
import { readOutput } from '../../db/tasks/output.ts';
import type { TaskOutputRow, TaskRow } from '../../db/tasks/tables.ts';
import { outputStreams, taskStatuses } from '../../workflows/tasks/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { id, iso, time } from '../operations/schemas.ts';

/** Documentation of the WebSocket protocol of a task's output. */
export const liveOutput =
  'The WebSocket `/ws/tasks/{task_id}/output?after={seq}` (its address, with a ticket, is `task_output`) sends the same lines as ' +
  'JSON, one a message, first those after `after` and then each as it is written. Messages with an `event` are no lines and ' +
  'have no number: `partial` is what stands on a line that has not ended for a second (`instance`, `host`, `step`, `stream`, ' +
  '`text`; of a progress bar what follows its last carriage return), and holds until a line or another `partial` of the same ' +
  'instance, host and stream comes; `heartbeat` comes every 15 seconds, with a ping of the protocol: a connection on which ' +
  'two of them are not answered is closed; `end` is the last one, with the `status` of the task. Code 4401 says that the right, ' +
  'the account, or the session or token that opened the connection is gone; 1013, or 429 before, that a user has too many.';

/** One line of output, the same over HTTP and WebSocket. */
const lineObject = z.object({
  seq: z.int(),
  time,
  instance: z.int().nullable(),
  host: z.string(),
  step: z.string(),
  stream: z.enum(outputStreams),
  text: z.string(),
});

export const presentLine = (row: TaskOutputRow): z.input<typeof lineObject> => ({
  seq: row.seq,
  time: iso(row.time),
  instance: row.instanceId,
  host: row.host,
  step: row.step,
  stream: row.stream,
  text: row.text,
});

/** A partial line (one that has not ended), over WebSocket only. */
export const presentPartial = (of: Pick<TaskOutputRow, 'instanceId' | 'host' | 'step' | 'stream' | 'text'>) => ({
  event: 'partial',
  instance: of.instanceId,
  host: of.host,
  step: of.step,
  stream: of.stream,
  text: of.text,
});

/** The requested range of a task's lines. */
export const outputQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  instance: id.optional(),
  stream: z.enum(outputStreams).optional(),
});

/** Lines of a task, and the position to continue from. */
export const outputObject = z.object({
  results: z.array(lineObject),
  next_after: z.int(),
  ended: z.boolean(),
  status: z.enum(taskStatuses),
});

/** Lines of a task. Its status was read before them: if it had ended by then, all its lines were written. */
export async function outputOf(
  { db }: Pick<Ctx, 'db'>,
  { id: taskId, status }: Pick<TaskRow, 'id' | 'status'>,
  query: z.output<typeof outputQuery>,
): Promise<z.input<typeof outputObject>> {
  const rows = await readOutput(db, taskId, query);
  const last = rows.at(-1)?.seq ?? query.after;
  return { results: rows.map(presentLine), next_after: last, ended: status !== 'running', status };
}
