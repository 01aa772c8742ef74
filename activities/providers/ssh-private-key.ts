// Converts private keys to a form that both ssh2 and OpenSSH read: ssh2 does not support PKCS #8, nor does OpenSSH for
// Ed25519.
import { createPrivateKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const magic = Buffer.from('openssh-key-v1\0', 'latin1');

function field(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** An Ed25519 key in OpenSSH's own form, without a passphrase. */
function openssh(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const check = randomBytes(4);
  const one = Buffer.concat([field('ssh-ed25519'), field(point)]);
  const secret = Buffer.concat([check, check, one, field(Buffer.concat([seed, point])), field('')]);
  const padding = Buffer.from(Array.from({ length: -secret.length & 7 }, (_, index) => index + 1));
  const head = [magic, field('none'), field('none'), field(''), Buffer.of(0, 0, 0, 1), field(one)];
  const body = Buffer.concat([...head, field(Buffer.concat([secret, padding]))]).toString('base64');
  const lines = body.match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** The same key as PKCS #1 (RSA), SEC 1 (ECDSA) or in OpenSSH's form (Ed25519, and whatever came in it). */
export function sshPrivateKey(text: string): string {
  const plain = `${text.replaceAll('\r\n', '\n').trim()}\n`;
  if (plain.includes('BEGIN OPENSSH PRIVATE KEY')) return plain;
  const key = createPrivateKey(plain);
  if (key.asymmetricKeyType === 'rsa') return String(key.export({ type: 'pkcs1', format: 'pem' }));
  return key.asymmetricKeyType === 'ec' ? String(key.export({ type: 'sec1', format: 'pem' })) : openssh(key);
}
