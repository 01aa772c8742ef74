// Argon2id with OWASP's recommended parameters (19 MiB, 2 passes, 1 lane), in the PHC string format, so that hashes with
// other parameters keep working. Verification takes the same time for users without a password.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { passwordLength } from '../../kit/password-length.ts';
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
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    message: password.normalize('NFKC'),
    nonce: Buffer.from(nonce, 'base64'),
    tagLength: expected.length,
  });
  return timingSafeEqual(made, expected) && stored !== null;
}

/** Reasons to reject a new password; each is the key of a message with advice. */
type Weakness = 'password_length' | 'password_common' | 'password_own' | 'password_repeated';

/** The user of a password, and words that attackers there would guess (the company, its products). */
interface PasswordOwner {
  username: string;
  email: string;
  words?: readonly string[];
}

/** The weakness of a new password: too short or commonly guessed; undefined if there is none. */
export function weaknessOf(password: string, owner: PasswordOwner): Weakness | undefined {
  const length = [...password].length;
  if (length < passwordLength.least || length > passwordLength.most || Buffer.byteLength(password) > 512)
    return 'password_length';
  const plain = password.toLowerCase();
  if (commonPasswords.has(plain)) return 'password_common';
  if (new Set(plain).size <= 3) return 'password_repeated';
  return isOwn(plain, owner) ? 'password_own' : undefined;
}

const productWords = ['slipway'];
const restLength = 8;

/** Whether too little of a password is left without words related to its owner. */
function isOwn(plain: string, { username, email, words = [] }: PasswordOwner): boolean {
  const [mailbox = '', domain = ''] = email.toLowerCase().split('@');
  const whole = [username, email, mailbox, ...words].map((word) => word.toLowerCase());
  if (whole.includes(plain)) return true;
  const labels = domain.split('.').slice(0, -1);
  // Shorter words occur in others by chance.
  const known = [...whole, ...labels, ...productWords].filter((word) => word.length >= 4);
  const rest = known
    .sort((one, other) => other.length - one.length)
    .reduce((text, word) => text.replaceAll(word, ''), plain);
  return rest !== plain && rest.replace(/[^\p{L}\p{N}]/gu, '').length < restLength;
}

/** An initial password: 120 bits. */
export const generatePassword = (): string => randomBytes(15).toString('base64url');
