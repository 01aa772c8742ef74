// Envelope encryption: every secret has its own data key, wrapped with the master key, so that a change of the master key
// only rewraps data keys. The purpose (table/column/row) is authenticated: an envelope moved elsewhere does not open.
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** A sealed secret as it is stored (jsonb). */
export interface SecretEnvelope {
  v: 1;
  /** Identifies the master key without revealing it. */
  kid: string;
  /** The wrapped data key, and the secret: nonce, tag and cipher text, base64. */
  key: string;
  data: string;
}

/** Seals and opens secrets under one master key. */
export interface Secrets {
  /** `purpose` names the place, such as `repository_credentials/secret/7`; the same one is needed to open. */
  seal(purpose: string, plaintext: string): SecretEnvelope;
  open(purpose: string, envelope: unknown): string;
  /** A keyed hash, hex: compares possible secrets without storing a hash open to guessing. */
  mac(purpose: string, text: string): string;
}

/** A secret cannot be opened; the message says how to fix it and contains no part of it. */
export class SecretsError extends Error {
  readonly reason: 'malformed' | 'other_master_key' | 'tampered';

  constructor(reason: 'malformed' | 'other_master_key' | 'tampered', message: string) {
    super(message);
    this.name = 'SecretsError';
    this.reason = reason;
  }
}

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Secrets under `masterKey` (32 bytes in base64). */
export function createSecrets({ masterKey }: { masterKey: string }): Secrets {
  const master = Buffer.from(masterKey, 'base64');
  if (master.length !== keyBytes) throw new Error('the master key must be 32 bytes in base64');
  const kid = createHash('sha256').update('slipway master key\n').update(master).digest('hex').slice(0, 12);
  return {
    mac: (purpose, text) => {
      const key = hkdfSync('sha256', master, '', `mac\n${purpose}`, keyBytes);
      return createHmac('sha256', Buffer.from(key)).update(text).digest('hex');
    },
    seal: (purpose, plaintext) => {
      const dataKey = randomBytes(keyBytes);
      return {
        v: 1,
        kid,
        key: encrypt(master, `key\n${kid}\n${purpose}`, dataKey),
        data: encrypt(dataKey, `data\n${kid}\n${purpose}`, Buffer.from(plaintext, 'utf8')),
      };
    },
    open: (purpose, envelope) => {
      const parts = parse(envelope);
      if (parts.kid !== kid) throw otherMasterKey(parts.kid, kid);
      try {
        const dataKey = decrypt(master, `key\n${kid}\n${purpose}`, parts.key);
        return decrypt(dataKey, `data\n${kid}\n${purpose}`, parts.data).toString('utf8');
      } catch {
        throw new SecretsError(
          'tampered',
          `a stored secret (${purpose}) was changed or moved since it was sealed; enter it again`,
        );
      }
    },
  };
}

function otherMasterKey(sealedWith: string, present: string): SecretsError {
  return new SecretsError(
    'other_master_key',
    `a stored secret was sealed with master key ${sealedWith}, this process has ${present}; ` +
      'set SLIPWAY_MASTER_KEY or SLIPWAY_MASTER_KEY_FILE to the former key, or enter the secret again',
  );
}

function encrypt(key: Buffer, purpose: string, plaintext: Buffer): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(purpose));
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
}

function decrypt(key: Buffer, purpose: string, sealed: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
}

function parse(envelope: unknown): SecretEnvelope {
  const parts: Record<string, unknown> =
    typeof envelope === 'object' && envelope !== null ? { ...envelope } : { v: undefined };
  const { v, kid, key, data } = parts;
  if (v !== 1 || typeof kid !== 'string' || typeof key !== 'string' || typeof data !== 'string')
    throw new SecretsError('malformed', 'a stored secret is not an envelope of this version of Slipway');
  return { v, kid, key, data };
}
