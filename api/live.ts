// Live output of a task: stored lines after `seq` first, then new ones as they are written. Both come from the same rows
// in the same order, so between stored and live there is no gap: a notification only says "look again".
import { upgradeWebSocket } from '@hono/node-server';
import type { Hono } from 'hono';
import type { WSContext } from 'hono/ws';
import { loadSubject } from '../db/access/rights.ts';
import { outputChannel } from '../db/tasks/output.ts';
import { invalidField, Problem } from '../workflows/problem.ts';
import { callerOf, demandReady } from './caller.ts';
import { clientOf } from './client.ts';
import type { AppDeps, Client } from './context.ts';
import { outputPermission } from './task-access.ts';
import { Follower } from './follower.ts';
import type { Wire } from './follower.ts';
import { Heartbeats } from './heartbeat.ts';
import { languageOf, respond } from './respond.ts';
import { redeemTicket } from './ticket.ts';

const goingAway = 1001;

export interface LiveOptions {
  /** Between two pings of a connection, 15 s by default. */
  pingMs?: number | undefined;
}

/** Mounts `/ws/tasks/{task_id}/output`; `closeAll` says goodbye to everybody who is connected. */
export function mountLive(app: Hono, deps: AppDeps, { pingMs }: LiveOptions = {}): { closeAll(): void } {
  const heartbeats = new Heartbeats(pingMs);
  const connected = new Map<WSContext, { taskId: number; follower: Follower }>();
  deps.listen.on(outputChannel, (payload) => {
    for (const { taskId, follower } of connected.values())
      if (payload === null || Number(payload) === taskId) follower.wake();
  });
  app.get(
    '/ws/tasks/:task_id/output',
    async (c, next) => {
      const request = c.req.raw;
      try {
        await authorize(deps, request, c.req.param('task_id'), clientOf(request, undefined, deps.config));
      } catch (error) {
        const { status, body } = respond(error, 'websocket', languageOf(request.headers.get('accept-language')));
        return Response.json(body, { status });
      }
      return next();
    },
    upgradeWebSocket((c) => {
      const taskId = Number(c.req.param('task_id'));
      const after = Number(c.req.query('after') ?? 0);
      return {
        onOpen(_event, ws) {
          const follower = new Follower(deps, { socket: ws, wire: wireOf(c.env), taskId, seq: after });
          connected.set(ws, { taskId, follower });
          heartbeats.add(ws);
        },
        onClose(_event, ws) {
          connected.get(ws)?.follower.stop();
          connected.delete(ws);
          heartbeats.remove(ws);
        },
      };
    }),
  );
  return {
    closeAll: () => {
      heartbeats.stop();
      for (const ws of connected.keys()) ws.close(goingAway, 'this server is leaving; connect again with after');
    },
  };
}

/** The connection of an upgrade, as the Node server passes it on. */
const wireOf = (env: unknown): Wire | undefined =>
  (env as { incoming?: { socket?: Wire } } | undefined)?.incoming?.socket;

async function readyCaller(request: Request, client: Client, deps: AppDeps): Promise<number> {
  const { actor } = await callerOf(request, client, deps);
  demandReady(actor);
  return actor.user.id;
}

async function authorize(deps: AppDeps, request: Request, taskText: string, client: Client): Promise<void> {
  const taskId = /^[1-9]\d{0,14}$/.test(taskText) ? Number(taskText) : 0;
  const query = new URL(request.url).searchParams;
  const ticket = query.get('ticket');
  const userId = ticket === null ? await readyCaller(request, client, deps) : await redeemTicket(deps, ticket, taskId);
  if (userId === undefined) throw new Problem('unauthenticated');
  const user = await deps.db
    .selectFrom('users')
    .select(['status', 'username'])
    .where('id', '=', userId)
    .executeTakeFirst();
  if (user?.status !== 'enabled') throw new Problem('unauthenticated');
  await outputPermission(deps.db, { subject: await loadSubject(deps.db, userId), username: user.username }, taskId);
  if (!/^\d{1,15}$/.test(query.get('after') ?? '0')) throw invalidField('after', 'must be a whole number');
}
