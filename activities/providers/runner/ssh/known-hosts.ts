// Pinned host keys in OpenSSH's format. Refuses a host with an unknown or another key: an impostor would receive every
// script and package meant for the host.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

interface KnownKey {
  revoked: boolean;
  hosts: string;
  type: string;
  key: Buffer;
}

/** `known`: this key is pinned; `changed`: others are; `unknown`: no key is. */
type Verdict = 'known' | 'changed' | 'revoked' | 'unknown';

function entries(text: string): KnownKey[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [hosts, type, key] = words;
    // This client does not support certificate authorities (@cert-authority).
    if (hosts === undefined || type === undefined || key === undefined || marker === '@cert-authority') return [];
    return [{ revoked: marker === '@revoked', hosts, type, key: Buffer.from(key, 'base64') }];
  });
}

function isHashOf(pattern: string, name: string): boolean {
  const [, kind, salt = '', hash = ''] = pattern.split('|');
  if (kind !== '1') return false;
  const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  const wanted = Buffer.from(hash, 'base64');
  return made.length === wanted.length && timingSafeEqual(made, wanted);
}

function isLike(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i').test(name);
}

function concerns({ hosts }: KnownKey, names: readonly string[]): boolean {
  const patterns = hosts.split(',');
  return names.some((name) => {
    if (patterns.some((pattern) => pattern.startsWith('!') && isLike(pattern.slice(1), name))) return false;
    return patterns.some((pattern) => (pattern.startsWith('|') ? isHashOf(pattern, name) : isLike(pattern, name)));
  });
}

/** OpenSSH's name of a host with a non-default port. */
export const knownName = (host: string, port: number): string => (port === 22 ? host : `[${host}]:${port}`);

const typeOf = (key: Buffer): string => key.subarray(4, 4 + key.readUInt32BE(0)).toString();

/** A key as `ssh-keygen -l` shows it. */
export function describeKey(key: Buffer): string {
  const hash = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
  return `${typeOf(key)} SHA256:${hash}`;
}

/** The pinned keys of a host under any of its names. */
export class PinnedKeys {
  readonly #keys: KnownKey[];

  constructor(text: string, names: readonly string[]) {
    this.#keys = entries(text).filter((entry) => concerns(entry, names));
  }

  /** Preferred key types, as another type would look like a changed key. */
  get types(): string[] {
    return [...new Set(this.#keys.map(({ type }) => type))];
  }

  judge(key: Buffer): Verdict {
    const same = this.#keys.filter((entry) => entry.key.equals(key));
    if (same.some(({ revoked }) => revoked)) return 'revoked';
    if (same.length > 0) return 'known';
    return this.#keys.length > 0 ? 'changed' : 'unknown';
  }
}
