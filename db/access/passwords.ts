// Argon2id with the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane), kept in the PHC string format, so that
// hashes made with other parameters keep working. Whoever has no password costs the same time as who has one.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { commonPasswords } from './common-passwords.ts';

const derive = promisify(argon2);
const current = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

/** The string to store for a password. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await derive('argon2id', { ...current, message: password.normalize('NFKC'), nonce, tagLength });
  const { memory, passes, parallelism } = current;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
}

const format = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const nobodys = `$argon2id$v=19$m=${current.memory},t=${current.passes},p=${current.parallelism}$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}`;

/** Whether a password is that of a stored hash; false, after the same time, when there is none. */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [, memory, passes, parallelism, nonce = '', tag = ''] = format.exec(stored ?? nobodys) ?? [];
  const expected = Buffer.from(tag, 'base64');
  if (expected.length === 0) throw new Error('a stored password hash is malformed');
  const made = await derive('argon2id', {
    ...{ memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    ...{ message: password.normalize('NFKC'), nonce: Buffer.from(nonce, 'base64'), tagLength: expected.length },
  });
  return timingSafeEqual(made, expected) && stored !== null;
}

/** Whether a new password may be used by this user: length, and nothing that is guessed first. */
export function isStrongPassword(password: string, user: { username: string; email: string }): boolean {
  const length = [...password].length;
  if (length < 10 || length > 128 || Buffer.byteLength(password) > 512) return false;
  const plain = password.toLowerCase();
  const guesses = [user.username, user.email, user.email.split('@')[0] ?? ''].map((guess) => guess.toLowerCase());
  return !guesses.includes(plain) && !commonPasswords.has(plain) && new Set(plain).size > 3;
}

/** A password for somebody who has none yet: 120 bits. */
export const generatePassword = (): string => randomBytes(15).toString('base64url');
