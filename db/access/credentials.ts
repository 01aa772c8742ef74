import { hash, randomBytes } from 'node:crypto';

/** Stored form of a secret with full entropy: looking up the hash takes time independent of the secret. */
export const secretHash = (value: string): Buffer => hash('sha256', value, 'buffer');

/** The value of a new auth token: 40 hex digits. */
export const newTokenValue = (): string => randomBytes(20).toString('hex');

/** A new session id or form token: 256 bits, fit for a cookie or a header. */
export const newSessionSecret = (): string => randomBytes(32).toString('base64url');

/** The user behind a credential, as loaded for each request. */
export interface CredentialUser {
  id: number;
  username: string;
  name: string;
  mustChangePassword: boolean;
  secondFactor: boolean;
}
