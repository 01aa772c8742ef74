// Pinned host keys in OpenSSH's format, matched as OpenSSH does (sshd(8), hostfile.c): an impostor would receive every script
// and package. Stricter than `ssh` in two ways: an entry without a port is not one for another port than 22, and
// certificate authorities are not supported (`git` honours them, as its ssh reads the same file).
import { createHash, createHmac } from 'node:crypto';

interface KnownKey {
  revoked: boolean;
  type: string;
  key: Buffer;
}

/** `known`: this key is pinned; `changed`: others are; `unknown`: no key is. */
type Verdict = 'known' | 'changed' | 'revoked' | 'unknown';

const typeOf = (key: Buffer): string => (key.length < 4 ? '' : key.subarray(4, 4 + key.readUInt32BE(0)).toString());

/** A line's key, if it is well formed and concerns one of the names. */
function entryOf(line: string, names: readonly string[]): KnownKey[] {
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [hosts = '#', type, base64 = ''] = words;
  const key = Buffer.from(base64, 'base64');
  if (hosts.startsWith('#') || typeOf(key) !== type) return [];
  if (marker !== undefined && marker !== '@revoked') return [];
  return names.some((name) => concerns(hosts, name)) ? [{ revoked: marker !== undefined, type, key }] : [];
}

/** A hashed name stands alone; in a list of patterns a negated one that matches excludes the host. */
function concerns(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return hosts === hashed(name, hosts.split('|')[2] ?? '');
  const patterns = hosts.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && isLike(pattern.slice(1), name))) return false;
  return patterns.some((pattern) => isLike(pattern, name));
}

const hashed = (name: string, salt: string): string =>
  `|1|${salt}|${createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')}`;

function isLike(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
}

/** OpenSSH's name of a host with a non-default port. */
export const knownName = (host: string, port: number): string => (port === 22 ? host : `[${host}]:${port}`);

/** A key as `ssh-keygen -l` shows it. */
export function describeKey(key: Buffer): string {
  const hash = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
  return `${typeOf(key)} SHA256:${hash}`;
}

/** The pinned keys of a host under any of its names, as `knownName` makes them. */
export class PinnedKeys {
  readonly #pinned: KnownKey[];
  readonly #revoked: KnownKey[];

  constructor(text: string, names: readonly string[]) {
    const lower = names.map((name) => name.toLowerCase());
    const found = text.split('\n').flatMap((line) => entryOf(line, lower));
    this.#revoked = found.filter(({ revoked }) => revoked);
    this.#pinned = found.filter((entry) => !entry.revoked && !this.#isRevoked(entry.key));
  }

  #isRevoked(key: Buffer): boolean {
    return this.#revoked.some((entry) => entry.key.equals(key));
  }

  /** Preferred key types, as another type would look like a changed key. */
  get types(): string[] {
    return [...new Set(this.#pinned.map(({ type }) => type))];
  }

  judge(key: Buffer): Verdict {
    if (this.#isRevoked(key)) return 'revoked';
    if (this.#pinned.some((entry) => entry.key.equals(key))) return 'known';
    return this.#pinned.length > 0 ? 'changed' : 'unknown';
  }
}
