// A device that somebody has logged in on carries a signed cookie that says so. It opens nothing: it lets its user try a password
// there while strangers use up the limits.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { secretHash } from '../../db/access/credentials.ts';
import type { Ctx } from '../operations/context.ts';
import { cookieHeader } from '../kernel/cookies.ts';

export const deviceCookieName = 'slipway_device';

const maxAgeSeconds = 366 * 86_400;

type Reader = Pick<Ctx, 'secrets' | 'deviceCookie'>;

const sign = ({ secrets }: Pick<Ctx, 'secrets'>, userId: number, id: string): string =>
  secrets.mac('device', `${userId}.${id}`);

/** The id of the device that asks, if this user has logged in on it. */
export function knownDevice(ctx: Reader, userId: number): string | undefined {
  const [user, id = '', mac = ''] = (ctx.deviceCookie ?? '').split('.');
  if (user !== String(userId)) return undefined;
  return timingSafeEqual(secretHash(mac), secretHash(sign(ctx, userId, id))) ? id : undefined;
}

/** The Set-Cookie header that makes the device known; it keeps its id. */
export function deviceCookieHeader(ctx: Reader & Pick<Ctx, 'publicUrl'>, userId: number): string {
  const id = knownDevice(ctx, userId) ?? randomBytes(16).toString('hex');
  return cookieHeader(deviceCookieName, `${userId}.${id}.${sign(ctx, userId, id)}`, ctx, maxAgeSeconds);
}
