// Proxy headers are trusted only from configured proxies; any other client could claim any address.
import { quote } from '../../db/audit/text.ts';
import type { Config } from '../../kit/config/config.ts';
import type { Client } from '../operations/context.ts';
import { readCookie } from './cookies.ts';
import { deviceCookieName } from '../access/known-device.ts';

const plainAddress = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/i, '');

/** Address of the client: the socket's peer, or the address that trusted proxies forward. */
export function clientOf(
  request: Request,
  peer: string | undefined,
  config: Pick<Config, 'trustedProxies' | 'publicUrl'>,
): Client {
  const trusted = new Set(config.trustedProxies.map(plainAddress));
  const direct = peer === undefined ? null : plainAddress(peer);
  const behindProxy = direct !== null && trusted.has(direct);
  const forwarded = (name: string): string | undefined =>
    behindProxy ? (request.headers.get(name) ?? undefined) : undefined;
  const hops = (forwarded('x-forwarded-for') ?? '').split(',').map(plainAddress).filter(Boolean);
  const remoteAddr = hops.findLast((hop) => !trusted.has(hop)) ?? direct;
  const userAgent = request.headers.get('user-agent');
  const publicUrl = config.publicUrl ?? requestUrl(request, forwarded);
  return {
    remoteAddr,
    publicUrl,
    userAgent: userAgent === null ? null : quote(userAgent),
    deviceCookie: readCookie(request, deviceCookieName, { publicUrl }) ?? null,
  };
}

function requestUrl(request: Request, forwarded: (name: string) => string | undefined): string {
  const url = new URL(request.url);
  const scheme = forwarded('x-forwarded-proto') === 'https' ? 'https:' : url.protocol;
  const host = forwarded('x-forwarded-host')?.split(',')[0]?.trim() ?? request.headers.get('host') ?? url.host;
  return `${scheme}//${host}`;
}
