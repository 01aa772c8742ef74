// Client of PowerDNS's HTTP API, v1. Of a remote body only the `error` of a 422 is shown, at most 200 characters of it.
import type { z } from 'zod';
import {
  DnsAnswerError,
  DnsChangeTooLongError,
  DnsKeyError,
  DnsRefusedError,
  DnsServerFailedError,
  DnsZoneExistsError,
  DnsZoneMissingError,
  remoteWords,
} from '../errors.ts';
import type { Http, HttpCall } from '../http.ts';
import type { PowerDnsAccess } from '../access.ts';
import { errorShape } from './shapes.ts';

/** The server's limit is `webserver-max-bodysize`, which some set to 1 MB. */
export const longestBody = 1_000_000;

/** A 422 with the API's own words, which may contain what the server understood. */
export class PowerDnsRefusedError extends DnsRefusedError {
  /** Not shortened; for comparison only. */
  readonly said: string;

  constructor(server: string, said: string, secrets: readonly string[]) {
    const shown = remoteWords(said, secrets);
    super(server, shown === '' ? 'it refuses the request' : `it refuses the request: ${shown}`);
    this.said = said;
  }
}

interface ApiCall {
  method: HttpCall['method'];
  /** Below `/api/v1/servers/{server_id}`. */
  path: string;
  query?: Record<string, string>;
  body?: object;
  isZone?: boolean;
  /** For messages. */
  zone?: string;
}

export interface PowerDnsApi {
  call<T>(call: ApiCall, shape: z.ZodType<T>): Promise<T>;
  /** For calls whose answer does not matter. */
  send(call: ApiCall): Promise<void>;
  text(call: ApiCall): Promise<string>;
}

/** A zone's id in paths. */
const zoneId = (zone: string): string =>
  `${[...zone].map((letter) => (/[A-Za-z0-9._-]/.test(letter) ? letter : escapedLetter(letter))).join('')}.`;

const escapedLetter = (letter: string): string =>
  [...Buffer.from(letter)].map((octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('');

export const zonePath = (zone: string, below = ''): string => `/zones/${zoneId(zone)}${below}`;

/** Creates the client. */
export function createPowerDnsApi(access: PowerDnsAccess, http: Http): PowerDnsApi {
  const { server, endpoint, apiKey, serverId } = access;
  const base = `${endpoint.replace(/\/+$/, '')}/api/v1/servers/${encodeURIComponent(serverId)}`;

  async function answered(call: ApiCall, accept = 'application/json'): Promise<Buffer> {
    const { method, path, query, body, isZone = false, zone } = call;
    const url = new URL(`${base}${path}`);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined && Buffer.byteLength(text) > longestBody)
      throw new DnsChangeTooLongError(server, longestBody);
    const headers = { 'x-api-key': apiKey, accept, 'content-type': 'application/json' };
    const answer = await http({ method, url, headers, isZone, ...(text !== undefined && { body: text }) });
    if (answer.status < 200 || answer.status > 299) throw failureOf(answer.status, answer.body, zone);
    return answer.body;
  }

  function failureOf(status: number, body: Buffer, zone: string | undefined): Error {
    if (status === 401 || status === 403) return new DnsKeyError(server, 'it refuses the API key');
    if (status === 404)
      return zone === undefined
        ? new DnsRefusedError(server, 'it does not know the API at this address; check the address and server_id')
        : new DnsZoneMissingError(server, zone);
    if (status === 409 && zone !== undefined) return new DnsZoneExistsError(server, zone);
    if (status === 413) return new DnsChangeTooLongError(server, longestBody);
    if (status === 422 || status === 400) return new PowerDnsRefusedError(server, errorText(body), [apiKey]);
    if (status >= 300 && status < 400)
      return new DnsAnswerError(
        server,
        `it redirects (HTTP ${status}), which Slipway does not follow; check its address`,
      );
    return new DnsServerFailedError(server, `it failed (HTTP ${status}); see its log`);
  }

  return {
    call: async (call, shape) => {
      const result = shape.safeParse(jsonOf(await answered(call)));
      if (result.success) return result.data;
      throw new DnsAnswerError(server, 'its answer is not that of the PowerDNS API; check its address');
    },
    send: async (call) => {
      await answered(call);
    },
    // Asked for JSON, it wraps the text.
    text: async (call) => (await answered(call, 'text/plain')).toString('utf8'),
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function errorText(body: Buffer): string {
  const found = errorShape.safeParse(jsonOf(body));
  return found.success ? found.data.error : '';
}
