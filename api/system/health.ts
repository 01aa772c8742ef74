import type { Hono } from 'hono';
import { tryWriting } from '../../db/core/write-probe.ts';
import { migrationsPending } from '../../db/migrate.ts';
import { alive, readinessOf } from '../../kit/health.ts';
import { requestIdOf } from '../app.ts';
import { safeHeaders } from '../kernel/safe-headers.ts';
import type { AppDeps } from '../operations/context.ts';

export const headersOf = (request: Request, contentType: string) => ({
  ...safeHeaders,
  'content-type': contentType,
  'cache-control': 'no-store',
  'x-request-id': requestIdOf(request),
});

/** A response of plain text, a line each. */
export const plainText = (request: Request, status: number, lines: readonly string[]): Response =>
  new Response(`${lines.join('\n')}\n`, { status, headers: headersOf(request, 'text/plain; charset=utf-8') });

/** Mounts `/healthz` (the process) and `/readyz` (what it depends on, each named). */
export function mountHealth(app: Hono, { db, engine }: Pick<AppDeps, 'db' | 'engine'>): void {
  const readiness = readinessOf({
    database: () => db.selectNoFrom((eb) => eb.lit(1).as('one')).execute(),
    writes: () => tryWriting(db),
    engine: () => engine.ping(),
    migrations: async () => demandNone(await migrationsPending(db)),
  });
  app.get('/healthz', (c) => plainText(c.req.raw, 200, [alive]));
  app.get('/readyz', async (c) => {
    const { isReady, lines } = await readiness();
    return plainText(c.req.raw, isReady ? 200 : 503, lines);
  });
}

function demandNone(pending: string[]): void {
  if (pending.length > 0) throw new Error(`${pending.length} migrations are pending`);
}
