// Parses package repository URLs in one place: the API refuses invalid ones, workers connect by the result alone. It has no
// user, password, query or unusual host, so that every program reads it alike.
export const repositoryTypes = ['FTP', 'GIT'] as const;
type RepositoryType = (typeof repositoryTypes)[number];

/** Encodings of file names on FTP servers; default UTF-8. */
export const repositoryEncodings = ['utf8', 'gbk'] as const;
export type RepositoryEncoding = (typeof repositoryEncodings)[number];

const defaultPorts = { ftp: 21, ftps: 990, sftp: 22, https: 443, http: 80, ssh: 22 } as const;
export type RepositoryScheme = keyof typeof defaultPorts;

const schemes: Record<RepositoryType, readonly RepositoryScheme[]> = {
  FTP: ['ftp', 'ftps', 'sftp'],
  GIT: ['https', 'http', 'ssh'],
};

export interface RepositoryAddress {
  scheme: RepositoryScheme;
  /** A name or an IP address, without brackets, in lower case. */
  host: string;
  port: number;
  /** As it stands in the address, percent signs and all; of `git@host:path` without a slash before it. */
  path: string;
  /** `git@host:path`: the path begins at the user's home. */
  isShort: boolean;
  /** What a secret was given for: scheme, host, port and path; other spellings of it are the same. */
  target: string;
}

const hostName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const trimmed = (path: string): string => path.replace(/\/+$/, '');
const ipv6 = /^\[[0-9a-f:.]+\]$/;
const shortForm = /^git@([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(?!\/?-)([^:]+)$/;

/** Parses a URL; undefined when it is invalid for its type, or contains a user. */
export function repositoryAddress(type: RepositoryType, url: string): RepositoryAddress | undefined {
  if (!/^[\x21-\x7e]+$/.test(url) || /[\\#?]/.test(url)) return undefined;
  const [, shortHost, shortPath] = shortForm.exec(url) ?? [];
  if (shortHost !== undefined && shortPath !== undefined) {
    if (type !== 'GIT') return undefined;
    const host = shortHost.toLowerCase();
    return {
      scheme: 'ssh',
      host,
      port: 22,
      path: shortPath,
      isShort: true,
      target: `ssh://${host}:${trimmed(shortPath)}`,
    };
  }
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, hostname, port, pathname, username, password } = new URL(url);
  const scheme = schemes[type].find((one) => `${one}:` === protocol);
  const authority = /^[a-z]+:\/\/([^/]*)/i.exec(url)?.[1] ?? '@';
  const isPlain = username === '' && password === '' && !authority.includes('@');
  const name = hostname.toLowerCase();
  if (!scheme || !isPlain || !(hostName.test(name) || ipv6.test(name)) || port === '0') return undefined;
  return {
    scheme,
    host: name.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultPorts[scheme] : Number(port),
    path: pathname === '' ? '/' : pathname,
    isShort: false,
    target: `${protocol}//${host.toLowerCase()}${trimmed(pathname)}`,
  };
}

/** `host`, or `host:port` for a non-default port; an IPv6 address in brackets. */
export function hostAndPort({ scheme, host, port }: RepositoryAddress): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === defaultPorts[scheme] ? name : `${name}:${port}`;
}

/** Whether git accepts it as a branch name, and no program as an option. */
export const isBranchName = (name: string): boolean =>
  name.length <= 255 &&
  !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$|^@?$/.test(name) &&
  name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
