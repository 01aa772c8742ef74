// The trusted SSH servers, in OpenSSH's format: names, patterns and hashed names. Ignores certificate authorities (`git`
// honours them, as its ssh reads the same file).
import { createHmac, timingSafeEqual } from 'node:crypto';

interface KnownHost {
  /** Such as `ssh-ed25519`. */
  type: string;
  /** In wire format. */
  key: Buffer;
}

/** The name of a server in such a file: includes the port unless it is 22. */
export const knownName = (host: string, port: number): string => (port === 22 ? host : `[${host}]:${port}`);

function matchesHash(pattern: string, name: string): boolean {
  const [, , salt = '', sum = ''] = pattern.split('|');
  const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  const wanted = Buffer.from(sum, 'base64');
  return made.length === wanted.length && timingSafeEqual(made, wanted);
}

function matchesPattern(pattern: string, name: string): boolean {
  const escaped = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
}

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) return matchesHash(hosts, name);
  const patterns = hosts.split(',');
  if (patterns.some((one) => one.startsWith('!') && matchesPattern(one.slice(1), name))) return false;
  return patterns.some((one) => !one.startsWith('!') && matchesPattern(one, name));
}

/** The accepted keys of a server, without revoked ones. */
export function knownKeys(text: string, host: string, port: number): KnownHost[] {
  const name = knownName(host, port).toLowerCase();
  const found: KnownHost[] = [];
  const revoked: string[] = [];
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    const [hosts = '', type = '', key = ''] = fields;
    if (hosts === '' || hosts.startsWith('#') || key === '' || !matches(hosts, name)) continue;
    if (marker === '@revoked') revoked.push(key);
    if (marker === undefined) found.push({ type, key: Buffer.from(key, 'base64') });
  }
  return found.filter(({ key }) => !revoked.includes(key.toString('base64')));
}
