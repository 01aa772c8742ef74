// A browser cannot send a header with a WebSocket, so the address that the API gives carries a ticket: sealed, for one
// user and one task, good once and for a minute. It is written down when it is used, not when it is given, so that
// reading a task stays a read.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AppDeps, Ctx } from './context.ts';

const purpose = 'ws_ticket';
const lifeMs = 60_000;

const ticket = z.object({ task: z.int(), user: z.int(), nonce: z.uuid(), expires: z.int() });

/** The absolute WebSocket address of a task's output, with a new ticket in it. */
export function outputAddress({ publicUrl, secrets, subject, now }: Ctx, taskId: number): string {
  const content = { task: taskId, user: subject.userId, nonce: randomUUID(), expires: now().getTime() + lifeMs };
  const sealed = Buffer.from(JSON.stringify(secrets.seal(purpose, JSON.stringify(content)))).toString('base64url');
  return `${publicUrl.replace(/^http/, 'ws')}/ws/tasks/${taskId}/output?ticket=${sealed}`;
}

/** The user that a ticket for this task was given to; undefined when it is not good, or not any more. */
export async function redeemTicket(
  { db, secrets, now }: Pick<AppDeps, 'db' | 'secrets' | 'now'>,
  text: string,
  taskId: number,
): Promise<number | undefined> {
  const content = open(secrets, text);
  if (content?.task !== taskId || content.expires < now().getTime()) return undefined;
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('usedTickets')
    .values({ nonce: content.nonce, expiresTime: new Date(content.expires) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n ? content.user : undefined;
}

function open(secrets: AppDeps['secrets'], text: string): z.output<typeof ticket> | undefined {
  try {
    const envelope: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return ticket.parse(JSON.parse(secrets.open(purpose, envelope)));
  } catch {
    return undefined;
  }
}
