import type { Hono } from 'hono';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { clockSkewMs } from '../../db/coordination/bounded-deletions.ts';
import { isChainBroken } from '../../db/audit/verifications.ts';
import { migrationsPending } from '../../db/migrate.ts';
import { tryWriting } from '../../db/core/write-probe.ts';
import { requestIdOf } from '../app.ts';
import { clientOf } from '../kernel/client-address.ts';
import type { AppDeps } from '../operations/context.ts';
import { safeHeaders } from '../kernel/safe-headers.ts';

const okText = 'ok';

/** A process's own metrics. */
export function createMetrics({ db, secrets }: Pick<AppDeps, 'db' | 'secrets'>) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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

type Check = readonly [name: string, run: () => Promise<unknown>];

const headersOf = (request: Request, contentType: string) => ({
  ...safeHeaders,
  'content-type': contentType,
  'cache-control': 'no-store',
  'x-request-id': requestIdOf(request),
});

const text = (request: Request, status: number, lines: string[]): Response =>
  new Response(`${lines.join('\n')}\n`, { status, headers: headersOf(request, 'text/plain; charset=utf-8') });

const patienceMs = 1_500;

/**
 * A check that fails after 1.5 s, since probes do not wait for a hanging dependency. A hanging check is not started a
 * second time concurrently: each run would hold a connection.
 */
function bounded(run: () => Promise<unknown>): () => Promise<unknown> {
  let running: Promise<unknown> | undefined;
  return () => {
    running ??= run().finally(() => (running = undefined));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('no answer in time')), patienceMs);
    return Promise.race([running, late.promise]).finally(() => clearTimeout(timer));
  };
}

/** Mounts `/healthz` (the process), `/readyz` (what it depends on, each named) and `/metrics` (Prometheus). */
export function mountHealth(app: Hono, deps: AppDeps, metrics: Metrics): void {
  const { db, engine, config } = deps;
  const checks = (
    [
      ['database', () => db.selectNoFrom((eb) => eb.lit(1).as('one')).execute()],
      ['writes', () => tryWriting(db)],
      ['engine', () => engine.ping()],
      ['migrations', async () => demandNone(await migrationsPending(db))],
    ] satisfies Check[]
  ).map(([name, run]): Check => [name, bounded(run)]);
  app.use('*', async (c, next) => {
    const ended = metrics.duration.startTimer();
    await next();
    ended();
    metrics.requests.inc({ method: c.req.method, status: c.res.status });
  });
  app.get('/healthz', (c) => text(c.req.raw, 200, [okText]));
  app.get('/readyz', async (c) => {
    const results = await Promise.allSettled(checks.map(([, run]) => run()));
    const lines = results.map(
      ({ status }, index) => `${checks[index]?.[0] ?? ''}: ${status === 'fulfilled' ? okText : 'failed'}`,
    );
    return text(c.req.raw, results.every(({ status }) => status === 'fulfilled') ? 200 : 503, lines);
  });
  app.get('/metrics', async (c) => {
    const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
    const { remoteAddr } = clientOf(c.req.raw, env?.incoming?.socket?.remoteAddress, config);
    const given = c.req.header('authorization');
    const allowed =
      config.metricsToken === undefined ? isLoopback(remoteAddr) : given === `Bearer ${config.metricsToken}`;
    if (!allowed) return text(c.req.raw, 403, ['not allowed: set SLIPWAY_METRICS_TOKEN and send it as a bearer token']);
    const body = await metrics.registry.metrics();
    return new Response(body, { headers: headersOf(c.req.raw, metrics.registry.contentType) });
  });
}

function demandNone(pending: string[]): void {
  if (pending.length > 0) throw new Error(`${pending.length} migrations are pending`);
}

const isLoopback = (address: string | null): boolean =>
  address !== null && (address === '::1' || address.startsWith('127.'));
