// One span per request, the parent of its workflow's and activities' spans. No-op without tracing.
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Endpoint } from '../operations/endpoint.ts';

const tracer = trace.getTracer('slipway');

/** Handles a request within its span; continues the caller's trace (`traceparent`) if there is one. */
export function traced(request: Request, answer: () => Promise<Response>): Promise<Response> {
  const { method } = request;
  const parent = propagation.extract(context.active(), Object.fromEntries(request.headers));
  // Neither path nor query: names of objects and secrets in links must stay out of traces.
  const options = { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } };
  return tracer.startActiveSpan(method, options, parent, async (span) => {
    try {
      const response = await answer();
      span.setAttribute('http.response.status_code', response.status);
      if (response.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      return response;
    } finally {
      span.end();
    }
  });
}

/** Names the current request's span after its operation. */
export function nameSpan({ method, path, id }: Endpoint): void {
  const span = trace.getActiveSpan();
  span?.updateName(`${method.toUpperCase()} ${path}`);
  span?.setAttributes({ 'http.route': path, 'slipway.operation': id });
}

/** For log lines; undefined without tracing. */
export const traceId = (): string | undefined => trace.getActiveSpan()?.spanContext().traceId;
