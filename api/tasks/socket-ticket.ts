// Browsers cannot send a header with a WebSocket, so the URL in API responses carries a ticket: sealed, for one user and one
// task, valid once, for a minute, and no longer than the session or token that requested it. It is stored when it is used,
// not when it is issued, so that reading a task stays a read.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Reader } from '../../db/tasks/readers.ts';
import type { AppDeps, Ctx } from '../operations/context.ts';

const purpose = 'ws_ticket';
const lifeMs = 60_000;

const ticket = z.object({
  task: z.int(),
  user: z.int(),
  session: z.base64().nullable().default(null),
  token: z.int().nullable().default(null),
  nonce: z.uuid(),
  expires: z.int(),
});

/** The absolute WebSocket URL of a task's output, with a new ticket. */
export function outputAddress({ publicUrl, secrets, subject, actor, now }: Ctx, taskId: number): string {
  const content: z.output<typeof ticket> = {
    task: taskId,
    user: subject.userId,
    session: actor.sessionHash?.toString('base64') ?? null,
    token: actor.tokenId,
    nonce: randomUUID(),
    expires: now().getTime() + lifeMs,
  };
  const sealed = Buffer.from(JSON.stringify(secrets.seal(purpose, JSON.stringify(content)))).toString('base64url');
  return `${publicUrl.replace(/^http/, 'ws')}/ws/tasks/${taskId}/output?ticket=${sealed}`;
}

/** The holder of a ticket for this task; undefined if the ticket is invalid or has expired. */
export async function redeemTicket(
  { db, secrets, now }: Pick<AppDeps, 'db' | 'secrets' | 'now'>,
  text: string,
  taskId: number,
): Promise<Reader | undefined> {
  const content = open(secrets, text);
  if (content?.task !== taskId || content.expires < now().getTime()) return undefined;
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('usedTickets')
    .values({ nonce: content.nonce, expiresTime: new Date(content.expires) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return undefined;
  const { user: userId, session, token: tokenId } = content;
  return { userId, taskId, tokenId, sessionHash: session === null ? null : Buffer.from(session, 'base64') };
}

function open(secrets: AppDeps['secrets'], text: string): z.output<typeof ticket> | undefined {
  try {
    const envelope: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return ticket.parse(JSON.parse(secrets.open(purpose, envelope)));
  } catch {
    return undefined;
  }
}
