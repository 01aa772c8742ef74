// Time-based codes (RFC 6238) in the authenticators' common form: SHA-1, six digits, steps of 30 seconds. A step is accepted
// once (db/access/second-factors.ts).
import { Secret, TOTP } from 'otpauth';

const period = 30;
const generator = (secret: string, label = ''): TOTP =>
  new TOTP({ issuer: 'Slipway', label, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period });

/** A new secret of 160 bits, in base32. */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32;

/** The URI that authenticators accept, as text or QR code. */
export const totpUri = (secret: string, username: string): string => generator(secret, username).toString();

/** The time step of a code: the current one, or one up to `drift` steps away; undefined if none matches. */
export function stepOfCode(
  secret: string,
  code: string,
  { now, drift }: { now: Date; drift: number },
): number | undefined {
  const timestamp = now.getTime();
  const delta = generator(secret).validate({ token: code, timestamp, window: drift });
  return delta === null ? undefined : Math.floor(timestamp / 1000 / period) + delta;
}
