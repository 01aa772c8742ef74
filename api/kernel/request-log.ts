// The line that the log has of every request.
import type { Logger } from '../../kit/log.ts';
import type { Incoming } from './kernel.ts';
import { traceId } from './tracing.ts';

/** Writes the line of a request; `ms` is how long it took. What is known only after routing is in `note`. */
export function logRequest(log: Logger, incoming: Incoming, status: number, ms: number): void {
  const { requestId, request, url, client, note } = incoming;
  log.info(
    {
      requestId,
      traceId: traceId(),
      method: request.method,
      path: url.pathname,
      status,
      ...note,
      remoteAddr: client.remoteAddr,
      durationMs: Math.round(ms),
    },
    'request',
  );
}
