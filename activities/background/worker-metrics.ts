// What a worker says of itself over HTTP, on a port of its own: `/healthz`, `/readyz` and `/metrics`. The Temporal SDK exports
// its metrics by a server without authentication; that one listens on loopback alone and is read here, behind the token.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../kit/config/config.ts';
import { alive, readinessOf } from '../../kit/health.ts';
import { mayScrape, processMetrics, scrapeRefusal } from '../../kit/metrics.ts';

const patienceMs = 1_500;

interface WorkerHealth {
  /** By name, what the worker depends on. */
  checks: Readonly<Record<string, () => Promise<unknown>>>;
  /** Where the SDK exports its metrics, if it does. */
  sdkMetrics: string | undefined;
}

interface Page {
  status: number;
  body: string;
  type?: string;
}

/** A free address on loopback for the metrics of the SDK, if the worker serves any. */
export async function sdkMetricsAddress({ workerMetricsPort }: Config): Promise<string | undefined> {
  if (workerMetricsPort === undefined) return undefined;
  const probe = createSocketServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return `127.0.0.1:${port}`;
}

/** Serves the three pages if SLIPWAY_WORKER_METRICS_PORT is set. */
export async function serveWorkerHealth(config: Config, health: WorkerHealth): Promise<{ stop(): Promise<void> }> {
  const { host, workerMetricsPort: port } = config;
  if (port === undefined) return { stop: () => Promise.resolve() };
  const pages = pagesOf(config, health);
  const server = createServer((request, response) => {
    const answer = pages[(request.url ?? '').split('?', 1)[0] ?? ''];
    const page = answer ? answer(request) : Promise.resolve({ status: 404, body: 'not found\n' });
    const send = ({ status, body, type = 'text/plain; charset=utf-8' }: Page): unknown =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    void page.then(send, () => send({ status: 500, body: 'failed\n' }));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return { stop: () => closed(server) };
}

function pagesOf(config: Config, { checks, sdkMetrics }: WorkerHealth) {
  const registry = processMetrics();
  const readiness = readinessOf(checks);
  const pages: Record<string, (request: IncomingMessage) => Promise<Page>> = {
    '/healthz': () => Promise.resolve({ status: 200, body: `${alive}\n` }),
    '/readyz': async () => {
      const { isReady, lines } = await readiness();
      return { status: isReady ? 200 : 503, body: `${lines.join('\n')}\n` };
    },
    '/metrics': async ({ socket, headers: { authorization } }) => {
      if (!mayScrape(config, { remoteAddr: socket.remoteAddress ?? null, authorization }))
        return { status: 403, body: `${scrapeRefusal}\n` };
      const [own, ofSdk] = await Promise.all([registry.metrics(), metricsOfSdk(sdkMetrics)]);
      return { status: 200, body: `${own}${ofSdk}`, type: registry.contentType };
    },
  };
  return pages;
}

/** Empty if the SDK does not answer: the worker's own metrics are worth having without. */
async function metricsOfSdk(address: string | undefined): Promise<string> {
  if (address === undefined) return '';
  try {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(patienceMs) });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}

async function closed(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, 'close');
}
