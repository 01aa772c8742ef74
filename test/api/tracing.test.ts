// Traces of real processes, received by an HTTP server that accepts OTLP as JSON.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { Estate } from '../support/deploy/processes.ts';
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
let site: Estate;

beforeAll(async () => {
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  site = await ownEstate({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, SLIPWAY_LOG_LEVEL: 'info' });
});
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

test('one trace runs from the request through its workflow to the activities, and holds no secret', async () => {
  const [worker, api] = await Promise.all([site.start('worker'), site.start('api')]);
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
