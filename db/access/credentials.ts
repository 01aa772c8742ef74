import { hash, randomBytes } from 'node:crypto';

/** What is stored of a secret with full entropy: looking it up by its hash takes no time that depends on the secret. */
export const secretHash = (value: string): Buffer => hash('sha256', value, 'buffer');

/** The value of a new auth token: 40 hex digits. */
export const newTokenValue = (): string => randomBytes(20).toString('hex');

/** A new session id or form token: 256 bits, fit for a cookie or a header. */
export const newSessionSecret = (): string => randomBytes(32).toString('base64url');

/** The user behind a credential, as each request needs him. */
export interface CredentialUser {
  id: number;
  username: string;
  name: string;
  mustChangePassword: boolean;
  secondFactor: boolean;
}
