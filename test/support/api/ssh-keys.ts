// Keys that everybody knows (RFC 8032, test 1; RFC 7515, A.3) with what ssh-keygen says of them, and keys in the form that
// OpenSSH writes.
import { createPrivateKey } from 'node:crypto';

const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const edKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
const ecKey = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
});

const string = (part: string | Buffer): Buffer => {
  const bytes = Buffer.from(part as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** The Ed25519 key in OpenSSH's own form; with a cipher it only says that it is encrypted. */
export function opensshKey(cipher = 'none'): string {
  const point = Buffer.from(edKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([string('ssh-ed25519'), string(point)]);
  const check = Buffer.from('0102030401020304', 'hex');
  const secret = Buffer.concat([check, blob, string(Buffer.concat([Buffer.from(seed, 'hex'), point])), string('')]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
  const head = [Buffer.from('openssh-key-v1\0'), string(cipher), string('none'), string(''), Buffer.of(0, 0, 0, 1)];
  const all = Buffer.concat([...head, string(blob), string(Buffer.concat([secret, padding]))]).toString('base64');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${all.replace(/.{70}/g, '$&\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

const ed25519 = {
  fingerprint: 'SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8',
  public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea',
};
const ecdsa = {
  fingerprint: 'SHA256:bS8oTA6hNH8G3HQdJojNniyC971QyV7eW7LFik+qmv4',
  public_key:
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH/Nzidw9sRdQYPL7m/bS3tYBzM1e+nvE7rPbjx70VRFx/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0=',
};

const pem = (key: typeof edKey, type: 'pkcs8' | 'sec1'): string => key.export({ type, format: 'pem' }).toString();

/** The forms in which a private key comes, each with its public half and fingerprint. */
export const knownKeys = [
  ['Ed25519 in OpenSSH form', opensshKey(), ed25519],
  ['Ed25519 in PKCS #8', pem(edKey, 'pkcs8'), ed25519],
  ['ECDSA in SEC 1', pem(ecKey, 'sec1'), ecdsa],
  ['ECDSA in PKCS #8', pem(ecKey, 'pkcs8'), ecdsa],
] as const;
