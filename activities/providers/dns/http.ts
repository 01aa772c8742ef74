// One HTTP call to a DNS server's API: the house's outbound client, with failures as DnsError.
import { OutboundError, outbound } from '../outbound.ts';
import type { OutboundRequest } from '../outbound.ts';
import {
  DnsAddressError,
  DnsAnswerError,
  DnsAnswerTooLongError,
  DnsTimeoutError,
  DnsUnreachableError,
} from './errors.ts';
import type { DnsError } from './errors.ts';
import type { DnsNetwork } from './network.ts';

export interface HttpCall {
  method: OutboundRequest['method'];
  url: URL;
  headers?: Record<string, string>;
  body?: string;
  /** A whole zone: more time, and a longer answer. */
  isZone?: boolean;
}

interface HttpAnswer {
  status: number;
  body: Buffer;
}

export type Http = (call: HttpCall) => Promise<HttpAnswer>;

/** Codes of connections that were never established. */
const neverMade = /\((?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENETDOWN)\)|has no address/;
const tls = /\([A-Z_]*(?:CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_|WRONG_VERSION|ISSUER|ALTNAME)[A-Z_]*\)/;

function failureOf(server: string, { message, final }: OutboundError, ms: number, bytes: number): DnsError {
  if (final) return new DnsAddressError(server);
  if (message.startsWith('no answer within')) return new DnsTimeoutError(server, ms / 1000);
  if (message.startsWith('its answer is longer')) return new DnsAnswerTooLongError(server, bytes);
  if (tls.test(message)) return new DnsUnreachableError(server, `${message}; check its certificate`);
  if (neverMade.test(message)) return new DnsUnreachableError(server, message);
  return new DnsAnswerError(server, `it broke the connection off: ${message}`);
}

/** Creates the HTTP client of a server. */
export function createHttp(server: string, { allows, ca, own, limits }: DnsNetwork): Http {
  return async ({ isZone = false, ...call }) => {
    const [timeoutMs, limitBytes] = isZone ? [limits.zoneMs, limits.zoneBytes] : [limits.callMs, limits.callBytes];
    try {
      const { status, body } = await outbound({ ...call, ca, own, allows, timeoutMs, limitBytes });
      return { status, body };
    } catch (error) {
      if (error instanceof OutboundError) throw failureOf(server, error, timeoutMs, limitBytes);
      throw error;
    }
  };
}
