// Cookies of Slipway's own. Over https they carry the prefix `__Host-`, so that no other host of the domain, and nobody on the
// way who can answer http, sets one in their place; without https browsers would not take it.
import type { Client } from '../operations/context.ts';

const isHttps = ({ publicUrl }: Pick<Client, 'publicUrl'>): boolean => publicUrl.startsWith('https:');

const prefixed = (name: string): string => `__Host-${name}`;

/** The value of a cookie; over https only of the one that nobody else can have set. */
export function readCookie(request: Request, name: string, client: Pick<Client, 'publicUrl'>): string | undefined {
  const wanted = `${isHttps(client) ? prefixed(name) : name}=`;
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(wanted))?.slice(wanted.length);
}

/** The Set-Cookie header that sets a cookie, or with `maxAgeSeconds` 0 ends it. */
export function cookieHeader(
  name: string,
  value: string,
  client: Pick<Client, 'publicUrl'>,
  maxAgeSeconds: number,
): string {
  const [shown, secure] = isHttps(client) ? [prefixed(name), '; Secure'] : [name, ''];
  return `${shown}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`;
}
