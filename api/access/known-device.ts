// A device on which a user has logged in carries a signed cookie. It grants no access: it lets its user still try a password
// there while strangers exhaust the limits.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { secretHash } from '../../db/access/credentials.ts';
import type { Ctx } from '../operations/context.ts';
import { cookieHeader } from '../kernel/cookies.ts';

export const deviceCookieName = 'slipway_device';

const maxAgeSeconds = 366 * 86_400;

type Reader = Pick<Ctx, 'secrets' | 'deviceCookie'>;

const sign = ({ secrets }: Pick<Ctx, 'secrets'>, userId: number, id: string): string =>
  secrets.mac('device', `${userId}.${id}`);

/** The device's id, if this user has logged in on it. */
export function knownDevice(ctx: Reader, userId: number): string | undefined {
  const [user, id = '', mac = ''] = (ctx.deviceCookie ?? '').split('.');
  if (user !== String(userId)) return undefined;
  return timingSafeEqual(secretHash(mac), secretHash(sign(ctx, userId, id))) ? id : undefined;
}

/** The Set-Cookie header that marks a device as known; it keeps its id. */
export function deviceCookieHeader(ctx: Reader & Pick<Ctx, 'publicUrl'>, userId: number): string {
  const id = knownDevice(ctx, userId) ?? randomBytes(16).toString('hex');
  return cookieHeader(deviceCookieName, `${userId}.${id}.${sign(ctx, userId, id)}`, ctx, maxAgeSeconds);
}
