// Derives the public half and fingerprint of a private key, in ssh-keygen's format. OpenSSH's own format contains the public
// half in the clear; OpenSSL does not read that format, so its few fields are parsed here.
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { invalidField } from '../../workflows/problems/problem.ts';
import { msg, type Message } from '../../kit/messages/message.ts';

interface KeyFacts {
  fingerprint: string;
  publicKey: string;
}

const openssh = /^-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END OPENSSH PRIVATE KEY-----\s*$/;
const magic = 'openssh-key-v1\0';

/** Parses a private key; throws if it is invalid or has a passphrase. */
export function factsOf(privateKey: string, field: string): KeyFacts {
  const refuse = (message: Message) => invalidField(field, message);
  if (/ENCRYPTED/.test(privateKey)) throw refuse(msg('must_have_no_passphrase'));
  const body = openssh.exec(privateKey)?.[1];
  const blob = body === undefined ? publicBlob(privateKey) : publicBlobOfOpenssh(Buffer.from(body, 'base64'));
  if (blob === 'passphrase') throw refuse(msg('must_have_no_passphrase'));
  if (!blob) throw refuse(msg('must_be_a_private_key'));
  const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { fingerprint: `SHA256:${digest}`, publicKey: `${type} ${blob.toString('base64')}` };
}

/** The public half of a key in OpenSSH's format: cipher, kdf, options, count, public blob, private part. */
function publicBlobOfOpenssh(bytes: Buffer): Buffer | 'passphrase' | undefined {
  if (!bytes.subarray(0, magic.length).equals(Buffer.from(magic, 'latin1'))) return undefined;
  try {
    let at = magic.length;
    const next = (): Buffer => {
      const length = bytes.readUInt32BE(at);
      const part = bytes.subarray(at + 4, at + 4 + length);
      if (part.length !== length) throw new RangeError('cut off');
      at += 4 + length;
      return part;
    };
    const cipher = next().toString('latin1');
    next();
    next();
    const keys = bytes.readUInt32BE(at);
    at += 4;
    const blob = next();
    if (cipher !== 'none') return 'passphrase';
    const secret = next();
    // Two equal numbers at the start indicate an intact private part.
    const isWhole = keys === 1 && secret.readUInt32BE(0) === secret.readUInt32BE(4);
    return isWhole && /^(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp\d+)$/.test(typeOf(blob)) ? blob : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const typeOf = (blob: Buffer): string => blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');

const curves: Readonly<Record<string, string>> = { 'P-256': 'nistp256', 'P-384': 'nistp384', 'P-521': 'nistp521' };

function publicBlob(pem: string): Buffer | undefined {
  const jwk = jwkOf(pem);
  const { kty, crv = '', e = '', n = '', x = '', y = '' } = jwk ?? {};
  const curve = curves[crv];
  if (kty === 'RSA') return blobOf(text('ssh-rsa'), integer(e), integer(n));
  if (kty === 'OKP' && crv === 'Ed25519') return blobOf(text('ssh-ed25519'), decoded(x));
  if (kty === 'EC' && curve !== undefined) {
    const point = Buffer.concat([Buffer.of(4), decoded(x), decoded(y)]);
    return blobOf(text(`ecdsa-sha2-${curve}`), text(curve), point);
  }
  return undefined;
}

function jwkOf(pem: string) {
  try {
    return createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' });
  } catch {
    return undefined;
  }
}

const decoded = (part: string): Buffer => Buffer.from(part, 'base64url');
const text = (part: string): Buffer => Buffer.from(part, 'latin1');

/** A positive integer in SSH encoding: a leading zero byte before a set highest bit. */
function integer(part: string): Buffer {
  const bytes = decoded(part);
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function blobOf(...parts: Buffer[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}
