// OpenTelemetry traces from a request through its workflow to the activities. Traced code uses the API package only, which
// does nothing alone; the SDK is loaded only when an endpoint is configured.
import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Config } from './config/config.ts';
import type { Logger } from './log.ts';

/** Used by processes that create spans themselves, such as those of workflows. */
export interface Tracing {
  processor: SpanProcessor;
  resource: Resource;
  /** Sends what is not sent yet, for at most 5 s. */
  stop(): Promise<void>;
}

const sendMs = 5_000;

/**
 * Sends this process's spans as OTLP over HTTP to `<OTEL_EXPORTER_OTLP_ENDPOINT>/v1/traces`; undefined when that is not set.
 * The exporter itself reads its other variables, such as OTEL_EXPORTER_OTLP_HEADERS. One per process.
 */
export async function startTracing({ tracesUrl }: Config, role: string, log: Logger): Promise<Tracing | undefined> {
  if (tracesUrl === undefined) return undefined;
  const [{ diag, DiagLogLevel }, { AsyncLocalStorageContextManager }, { OTLPTraceExporter }, { Resource: Named }, sdk] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
    ]);
  // A collector that is away is said, and stops nothing.
  const warn = (message: string): void => log.warn({ tracing: message }, 'traces could not be sent');
  const quiet = (): void => undefined;
  diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  const resource = new Named({ 'service.name': `slipway-${role}`, 'process.pid': process.pid });
  const exporter = new OTLPTraceExporter({ url: `${tracesUrl}/v1/traces`, timeoutMillis: sendMs });
  const processor = new sdk.BatchSpanProcessor(exporter, { exportTimeoutMillis: sendMs });
  const provider = new sdk.BasicTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({ contextManager: new AsyncLocalStorageContextManager().enable() });
  return { processor, resource, stop: () => provider.shutdown().catch((error: unknown) => warn(String(error))) };
}
