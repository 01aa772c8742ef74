// Live output of a task: stored lines after `seq` first, then new ones as they are written. Both come from the same rows
// in the same order, so between stored and live there is no gap: a notification only says "look again".
import { upgradeWebSocket } from '@hono/node-server';
import type { Hono } from 'hono';
import type { WSContext } from 'hono/ws';
import { loadSubject } from '../db/access/rights.ts';
import { outputChannel, readOutput } from '../db/tasks/output.ts';
import { Problem } from '../workflows/problem.ts';
import { callerOf } from './caller.ts';
import { clientOf } from './client.ts';
import type { AppDeps, Client } from './context.ts';
import { outputPermission } from './task-access.ts';
import { presentLine } from './deploy/output.ts';
import { languageOf, respond } from './respond.ts';
import { redeemTicket } from './ticket.ts';

const batch = 1_000;
const goingAway = 1001;
const normal = 1000;
// What a slow reader may leave unread before he is waited for.
const unreadBytes = 4 * 1024 * 1024;
const lookAgainMs = 2_000;

type Followers = Map<number, Set<() => void>>;

/** Mounts `/ws/tasks/{task_id}/output`; `closeAll` says goodbye to everybody who is connected. */
export function mountLive(app: Hono, deps: AppDeps): { closeAll(): void } {
  const followers: Followers = new Map();
  const open = new Set<WSContext>();
  deps.listen.on(outputChannel, (payload) => {
    if (payload === null) for (const wakes of followers.values()) for (const wake of wakes) wake();
    else for (const wake of followers.get(Number(payload)) ?? []) wake();
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
      let stop = (): void => undefined;
      return {
        onOpen(_event, ws) {
          open.add(ws);
          stop = follow(deps, followers, ws, taskId, Number.isSafeInteger(after) && after > 0 ? after : 0);
        },
        onClose(_event, ws) {
          open.delete(ws);
          stop();
        },
      };
    }),
  );
  return {
    closeAll: () => {
      for (const ws of open) ws.close(goingAway, 'this server is leaving; connect again with after');
    },
  };
}

async function authorize(deps: AppDeps, request: Request, taskText: string, client: Client): Promise<void> {
  const taskId = /^[1-9]\d{0,14}$/.test(taskText) ? Number(taskText) : 0;
  const ticket = new URL(request.url).searchParams.get('ticket');
  const userId =
    ticket === null
      ? (await callerOf(request, client, deps)).user.id
      : await redeemTicket(deps, ticket, taskId);
  if (userId === undefined) throw new Problem('unauthenticated');
  const user = await deps.db.selectFrom('users').select('status').where('id', '=', userId).executeTakeFirst();
  if (user?.status !== 'enabled') throw new Problem('unauthenticated');
  await outputPermission(deps.db, await loadSubject(deps.db, userId), taskId);
}

/** Sends everything after `seq`, then what comes, then the end; answers how to stop. */
function follow(deps: AppDeps, followers: Followers, ws: WSContext, taskId: number, from: number): () => void {
  let seq = from;
  let again = false;
  let busy = false;
  let stopped = false;
  const pump = async (): Promise<void> => {
    do {
      again = false;
      const task = await deps.db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirst();
      for (let rows = await readOutput(deps.db, taskId, { after: seq, limit: batch }); rows.length > 0; ) {
        for (const row of rows) if (!stopped) ws.send(JSON.stringify(presentLine(row)));
        seq = rows.at(-1)?.seq ?? seq;
        await drained(ws, () => stopped);
        rows = stopped ? [] : await readOutput(deps.db, taskId, { after: seq, limit: batch });
      }
      if (task?.status !== 'running' && !stopped) {
        ws.send(JSON.stringify({ event: 'end', status: task?.status ?? 'gone' }));
        ws.close(normal, 'end');
      }
    } while (again && !stopped);
  };
  const wake = (): void => {
    again = true;
    if (busy || stopped) return;
    busy = true;
    void pump()
      .catch((error: unknown) => {
        deps.log.warn({ err: error, taskId }, 'live output stopped for a moment');
      })
      .finally(() => {
        busy = false;
      });
  };
  // A notification lost with a broken connection is made good by looking.
  const timer = setInterval(wake, lookAgainMs);
  const wakes = followers.get(taskId) ?? new Set();
  followers.set(taskId, wakes.add(wake));
  wake();
  return () => {
    stopped = true;
    clearInterval(timer);
    wakes.delete(wake);
    if (wakes.size === 0) followers.delete(taskId);
  };
}

/** Waits for a slow reader instead of keeping everything for him in memory. */
async function drained(ws: WSContext, stopped: () => boolean): Promise<void> {
  const socket = ws.raw as { bufferedAmount?: number } | undefined;
  while (!stopped() && (socket?.bufferedAmount ?? 0) > unreadBytes) await new Promise((go) => setTimeout(go, 20));
}
