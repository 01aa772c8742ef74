// Slipway's own cookies. Over https they carry the prefix `__Host-`, so that neither another host of the domain nor an
// attacker on the network who can serve http can set them; without https browsers would reject the prefix.
import type { Client } from '../operations/context.ts';

const isHttps = ({ publicUrl }: Pick<Client, 'publicUrl'>): boolean => publicUrl.startsWith('https:');

const prefixed = (name: string): string => `__Host-${name}`;

/** Reads a cookie; over https only the `__Host-` one, which others cannot set. */
export function readCookie(request: Request, name: string, client: Pick<Client, 'publicUrl'>): string | undefined {
  const wanted = `${isHttps(client) ? prefixed(name) : name}=`;
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(wanted))?.slice(wanted.length);
}

/** The Set-Cookie header that sets a cookie; `maxAgeSeconds` 0 ends it. */
export function cookieHeader(
  name: string,
  value: string,
  client: Pick<Client, 'publicUrl'>,
  maxAgeSeconds: number,
): string {
  const [shown, secure] = isHttps(client) ? [prefixed(name), '; Secure'] : [name, ''];
  return `${shown}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`;
}
