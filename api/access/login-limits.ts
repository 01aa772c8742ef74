// Attempts are counted before they are checked, so that a burst cannot pass a limit; a success refunds its count. Limits
// that refuse are keyed by account and address, so that strangers lock nobody out; the count of an account over all
// addresses only slows strangers down. A device that has logged in before has its own budget.
import { createHash } from 'node:crypto';
import { clearRate, giveBackRate, noteRate, takeRate, type RateLimit } from '../../db/coordination/rate-limits.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { knownDevice } from './known-device.ts';

const windowSeconds = 15 * 60;
const ofPair = { limit: 5, windowSeconds };
const ofDevice = { limit: 10, windowSeconds };
const ofAddress = { limit: 50, windowSeconds };
const ofAccount = { limit: 12, windowSeconds };

/** Attempts of an account without a delay. */
const unslowed = 5;
const longestMs = 30_000;

type Limited = Pick<Ctx, 'db' | 'secrets' | 'remoteAddr' | 'deviceCookie' | 'pause'>;

/** The account whose attempts are counted; `id` is null for an unknown name. */
interface Account {
  id: number | null;
  username: string;
}

// Hashed with a key, since users type passwords into the wrong field.
const hashed = ({ secrets }: Pick<Ctx, 'secrets'>, username: string): string =>
  secrets.mac('login-name', username.toLowerCase()).slice(0, 32);
const address = ({ remoteAddr }: Pick<Ctx, 'remoteAddr'>): string => remoteAddr ?? 'unknown';
const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const keysOf = (ctx: Limited, username: string) => ({
  pair: `login/pair/${hashed(ctx, username)}/${address(ctx)}`,
  account: `login/account/${hashed(ctx, username)}`,
  address: `login/address/${address(ctx)}`,
});

const deviceKey = (purpose: string, device: string): string => `${purpose}/device/${short(device)}`;

/** Counts an event; throws `too_many_requests` over the limit. */
export async function takeOrRefuse({ db }: Pick<Ctx, 'db'>, key: string, limit: RateLimit): Promise<void> {
  const { allowed, retryAfterSeconds } = await takeRate(db, key, limit);
  if (!allowed) throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
}

/** Delay of the `count`th attempt of an account: a second, rising to 30. */
const slowedMs = (count: number): number =>
  count <= unslowed ? 0 : Math.min(longestMs, 1_000 * 2 ** (count - unslowed - 1));

/** Counts an attempt against an account, from any address, and waits for the resulting delay. */
async function slowDown({ db, pause }: Limited, key: string): Promise<void> {
  const wait = slowedMs(await noteRate(db, key, ofAccount));
  if (wait > 0) await pause(wait);
}

/** Counts an attempt to enter a password; throws after too many failures. */
export async function takeAttempt(ctx: Limited, { id, username }: Account): Promise<void> {
  const device = id === null ? undefined : knownDevice(ctx, id);
  if (device !== undefined) return takeOrRefuse(ctx, deviceKey('login', device), ofDevice);
  const keys = keysOf(ctx, username);
  await takeOrRefuse(ctx, keys.pair, ofPair);
  await takeOrRefuse(ctx, keys.address, ofAddress);
  await slowDown(ctx, keys.account);
}

/** After a correct attempt: neither it nor earlier ones of the account from that address count any more. */
export async function forgetAttempts(ctx: Limited, { id, username }: Account): Promise<void> {
  const keys = keysOf(ctx, username);
  const device = id === null ? undefined : knownDevice(ctx, id);
  if (device !== undefined) await clearRate(ctx.db, deviceKey('login', device));
  else await giveBackRate(ctx.db, keys.address);
  await clearRate(ctx.db, keys.pair);
  await clearRate(ctx.db, keys.account);
}

const codeWindow = { limit: 5, windowSeconds };
const codeDay = { limit: 20, windowSeconds: 24 * 3_600 };
/** For all strangers together: otherwise, given the password, codes could be guessed from many addresses. */
const codeDayOfAccount = { limit: 100, windowSeconds: 24 * 3_600 };

function codeLimits(ctx: Limited, userId: number): [key: string, limit: RateLimit][] {
  const device = knownDevice(ctx, userId);
  const from = device === undefined ? `${userId}/${address(ctx)}` : `device/${short(device)}`;
  return [
    [`second-factor/${from}`, codeWindow],
    [`second-factor/day/${from}`, codeDay],
    ...(device === undefined
      ? [[`second-factor/account/${userId}`, codeDayOfAccount] satisfies [string, RateLimit]]
      : []),
  ];
}

/** Counts an attempt to enter a code; throws after too many wrong ones. */
export async function takeCodeAttempt(ctx: Limited, userId: number): Promise<void> {
  for (const [key, limit] of codeLimits(ctx, userId)) await takeOrRefuse(ctx, key, limit);
  if (knownDevice(ctx, userId) === undefined) await slowDown(ctx, `second-factor/slow/${userId}`);
}

/** After a correct code: earlier wrong ones no longer count. */
export async function forgetCodeAttempts(ctx: Limited, userId: number): Promise<void> {
  for (const [key] of codeLimits(ctx, userId)) await clearRate(ctx.db, key);
  await clearRate(ctx.db, `second-factor/slow/${userId}`);
}
