// Live output of a task: stored lines after `seq`, then new lines as they are written. Both come from the same rows in the
// same order, so there is no gap between stored and live: a notification only triggers another read.
import { upgradeWebSocket } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Registry } from 'prom-client';
import { loadSubject } from '../../db/access/rights.ts';
import { outputChannel } from '../../db/tasks/output.ts';
import { lossesOf, type Reader } from '../../db/tasks/readers.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { callerOf, demandReady } from '../kernel/authentication.ts';
import { clientOf } from '../kernel/client-address.ts';
import type { AppDeps } from '../operations/context.ts';
import type { Wire } from './output-follower.ts';
import { Connections } from './output-connections.ts';
import { watchRights } from './output-rights.ts';
import { languageOf, respond } from '../kernel/respond.ts';
import { outputPermission } from './output-permission.ts';
import { redeemTicket } from './socket-ticket.ts';
import { msg } from '../../kit/messages/message.ts';

const goingAway = 1001;
const tryAgainLater = 1013;
const retryAfterSeconds = 5;

export interface LiveOptions {
  /** Interval between pings of a connection, 15 s by default. */
  pingMs?: number | undefined;
}

/** Mounts `/ws/tasks/{task_id}/output`; `closeAll` closes every connection with a close frame. */
export function mountLive(
  app: Hono,
  deps: AppDeps,
  { registry, pingMs }: LiveOptions & { registry: Registry },
): { closeAll(): Promise<void> } {
  const connections = new Connections(deps, { registry, pingMs });
  deps.listen.on(outputChannel, (payload) => connections.wake(payload === null ? null : Number(payload)));
  const rights = watchRights(deps, () => connections.all());
  const readers = new WeakMap<Request, Reader>();
  app.get(
    '/ws/tasks/:task_id/output',
    async (c, next) => {
      try {
        const reader = await authorize(deps, c.req.raw, c.req.param('task_id'));
        if (connections.isFull(reader.userId))
          throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
        readers.set(c.req.raw, reader);
      } catch (error) {
        return refusal(error, c.req.raw);
      }
      return next();
    },
    upgradeWebSocket((c) => {
      const reader = readers.get(c.req.raw);
      const after = Number(c.req.query('after') ?? 0);
      return {
        onOpen(_event, ws) {
          // Other readers may have connected between the check before the upgrade and now.
          if (!reader || connections.isFull(reader.userId)) ws.close(tryAgainLater, 'too many connections');
          else connections.add(ws, reader, { after, wire: wireOf(c.env) });
        },
        onClose: (_event, ws) => connections.remove(ws),
      };
    }),
  );
  const closeAll = async (): Promise<void> => {
    connections.closeAll(goingAway, 'this server is leaving; connect again with after');
    await rights.stop();
  };
  return { closeAll };
}

function refusal(error: unknown, request: Request): Response {
  const { status, body, headers } = respond(error, 'websocket', languageOf(request.headers.get('accept-language')));
  return Response.json(body, { status, headers });
}

/** The socket of an upgrade, as the Node server passes it on. */
const wireOf = (env: unknown): Wire | undefined =>
  (env as { incoming?: { socket?: Wire } } | undefined)?.incoming?.socket;

async function callingReader(request: Request, deps: AppDeps, taskId: number): Promise<Reader> {
  const { actor } = await callerOf(request, clientOf(request, undefined, deps.config), deps);
  demandReady(actor);
  return { userId: actor.user.id, taskId, sessionHash: actor.sessionHash, tokenId: actor.tokenId };
}

async function authorize(deps: AppDeps, request: Request, taskText: string): Promise<Reader> {
  const { db } = deps;
  const taskId = /^[1-9]\d{0,14}$/.test(taskText) ? Number(taskText) : 0;
  const query = new URL(request.url).searchParams;
  const ticket = query.get('ticket');
  const reader = await (ticket === null ? callingReader(request, deps, taskId) : redeemTicket(deps, ticket, taskId));
  const user = reader && (await db.selectFrom('users').select('username').where('id', '=', reader.userId).execute())[0];
  if (!user) throw new Problem('unauthenticated');
  const [loss] = await lossesOf(db, [reader], deps.now());
  if (loss && loss !== 'right') throw new Problem('unauthenticated');
  await outputPermission(db, { subject: await loadSubject(db, reader.userId), username: user.username }, taskId);
  if (!/^\d{1,15}$/.test(query.get('after') ?? '0')) throw invalidField('after', msg('must_be_a_whole_number'));
  return reader;
}
