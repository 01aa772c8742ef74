// Traces of real processes, received by an HTTP server that accepts OTLP as JSON, and what their worker says of itself.
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';
import { freePort } from '../../embedded/ports.ts';
import { eventually } from '../support/harness.ts';
import { makeEstate, makeTask } from '../support/world.ts';

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  service: string;
}

interface Otlp {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Omit<Span, 'service'>[] }[];
  }[];
}

let collector: Server;
const received: string[] = [];
let site: ProcessEstate;
let worker: ChildProcess;
let api: ChildProcess;
let metricsPort: number;
const metricsToken = 'm'.repeat(20);

beforeAll(async () => {
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  metricsPort = await freePort();
  site = await ownEstate({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    SLIPWAY_LOG_LEVEL: 'info',
    SLIPWAY_WORKER_METRICS_PORT: String(metricsPort),
    SLIPWAY_METRICS_TOKEN: metricsToken,
  });
  [worker, api] = await Promise.all([site.start('worker'), site.start('api')]);
}, 300_000);
afterAll(async () => {
  await site.close();
  collector.close();
});

const spans = (): Span[] =>
  received.flatMap((body) =>
    (JSON.parse(body) as Otlp).resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
      return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service })));
    }),
  );

test('a worker serves its metrics with those of the Temporal SDK to holders of the token, and whether it is ready', async () => {
  const page = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${metricsPort}${path}`, { headers });
    return { status: response.status, text: await response.text() };
  };
  expect(await page('/healthz')).toEqual({ status: 200, text: 'ok\n' });
  expect(await page('/readyz')).toEqual({ status: 200, text: 'polling: ok\ndatabase: ok\nengine: ok\n' });
  expect((await page('/other')).status).toBe(404);
  for (const headers of [{}, { authorization: 'Bearer wrong' }])
    expect((await page('/metrics', headers)).status).toBe(403);
  await eventually(async () => {
    const { status, text: metrics } = await page('/metrics', { authorization: `Bearer ${metricsToken}` });
    expect(status).toBe(200);
    expect(metrics).toMatch(/^process_cpu_seconds_total \d/m);
    expect(metrics).toMatch(/^temporal_worker_task_slots_available\{.*\} \d/m);
  });
});

test('one trace runs from the request through its workflow to the activities, and holds no secret', async () => {
  const estate = await makeEstate(site, 1);
  const id = await makeTask(site, estate, { level: 'I' });
  await eventually(async () => (await estate.manager.get(`/application/deploy-tasks/${id}/plan/`)).status === 200, {
    timeout: 60_000,
  });
  // Spans not sent yet are flushed when the process exits.
  expect(await Promise.all([ended(api, 'SIGTERM'), ended(worker, 'SIGTERM')])).toEqual([0, 0]);
  const { traceId = '' } = spans().find(({ name }) => name === 'POST /application/deploy-tasks/') ?? {};
  const names = spans().flatMap((span) => (span.traceId === traceId ? [`${span.service} ${span.name}`] : []));
  // The span of the workflow itself is sent when that ends, perhaps weeks later.
  expect(names).toEqual(
    expect.arrayContaining([
      'slipway-api POST /application/deploy-tasks/',
      'slipway-api StartWorkflow:deployTask',
      'slipway-worker StartActivity:completePlan',
      'slipway-worker RunActivity:completePlan',
    ]),
  );
  const all = received.join('\n');
  expect(all).toContain(deployTaskWorkflowId(id));
  expect(all).not.toContain(estate.manager.token);
  expect(site.logs()).toContain(`"traceId":"${traceId}"`);
});

test('an unresponsive collector blocks no request', async () => {
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
  const api = await site.start('api');
  expect((await site.user({ admin: true }).then((admin) => admin.get('/users/'))).status).toBe(200);
  expect(await ended(api, 'SIGTERM')).toBe(0);
  expect(site.logs()).toContain('traces could not be sent');
});
