import type { Hono } from 'hono';
import { Counter, Gauge, Histogram } from 'prom-client';
import { isChainBroken } from '../../db/audit/verifications.ts';
import { clockSkewMs } from '../../db/coordination/bounded-deletions.ts';
import { mayScrape, processMetrics, scrapeRefusal } from '../../kit/metrics.ts';
import { clientOf } from '../kernel/client-address.ts';
import type { AppDeps } from '../operations/context.ts';
import { headersOf, plainText } from './health.ts';

/** The metrics of this process. */
export function createMetrics({ db, secrets }: Pick<AppDeps, 'db' | 'secrets'>) {
  const registry = processMetrics();
  const requests = new Counter({
    name: 'slipway_http_requests_total',
    help: 'requests by method and status',
    labelNames: ['method', 'status'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'slipway_http_request_seconds',
    help: 'time to answer, in seconds',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const gauge = (name: string, help: string, read: () => Promise<number>): Gauge =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read().catch(() => Number.NaN));
      },
    });
  gauge('slipway_outbox_pending', 'workflow starts that are still to be done', async () => {
    const { n } = await db
      .selectFrom('outbox')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    return n;
  });
  gauge('slipway_deploy_tasks_open', 'deploy tasks that have not ended', async () => {
    const { n } = await db
      .selectFrom('deployTasks')
      .where('status', 'in', ['wait_review', 'approved', 'running'])
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    return n;
  });
  gauge('slipway_clock_skew_seconds', "how far the clock of this process is ahead of the database's", async () => {
    const { skewMs } = await clockSkewMs(db);
    return skewMs / 1000;
  });
  gauge('slipway_audit_chain_broken', '1 when a verification found the audit chain broken', async () =>
    (await isChainBroken(db, secrets)) ? 1 : 0,
  );
  return { registry, requests, duration };
}

type Metrics = ReturnType<typeof createMetrics>;

/** Counts requests and mounts `/metrics` (Prometheus). */
export function mountMetrics(app: Hono, { config }: Pick<AppDeps, 'config'>, metrics: Metrics): void {
  app.use('*', async (c, next) => {
    const ended = metrics.duration.startTimer();
    await next();
    ended();
    metrics.requests.inc({ method: c.req.method, status: c.res.status });
  });
  app.get('/metrics', async (c) => {
    const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
    const { remoteAddr } = clientOf(c.req.raw, env?.incoming?.socket?.remoteAddress, config);
    if (!mayScrape(config, { remoteAddr, authorization: c.req.header('authorization') }))
      return plainText(c.req.raw, 403, [scrapeRefusal]);
    const body = await metrics.registry.metrics();
    return new Response(body, { headers: headersOf(c.req.raw, metrics.registry.contentType) });
  });
}
