// Credentials for git. A password reaches a credential helper by the environment, a key is in a file of mode 0600 that is
// removed afterwards; neither is ever an argument. `ssh` reads only our configuration: the checked address, the configured
// host keys, no agent, no prompt, no other command.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { hostAndPort } from '../../../../kit/repository-address.ts';
import { refused } from '../../error.ts';
import { knownName, PinnedKeys } from '../../ssh-known-hosts.ts';
import { sshPrivateKey } from '../../ssh-private-key.ts';
import type { Credential, RepositoryPlace } from '../driver.ts';

export interface GitAccess {
  /** The URL to fetch from; contains a user name at most. */
  url: string;
  settings: string[];
  env: Record<string, string>;
}

export interface Trust {
  /** PEM of the trusted certificate authorities. */
  ca: () => string[];
  /** The text of a known_hosts file, null when none is configured. */
  knownHosts: () => string | null;
}

const provider = 'git';
const userName = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}$/;

// A constant shell text: user input is only in variables that it prints.
const helper =
  '!f() { test "$1" = get && printf \'username=%s\\npassword=%s\\n\' "$SLIPWAY_GIT_USERNAME" "$SLIPWAY_GIT_PASSWORD"; }; f';

function passwordAccess(credential: Credential | null): Pick<GitAccess, 'settings' | 'env'> {
  if (!credential) return { settings: [], env: {} };
  if (credential.type === 'SSH_PRIVATE_KEY') throw refused(provider, 'a key fits addresses by ssh only');
  const { username, password } = credential;
  if (/[\0\r\n]/.test(username + password)) throw refused(provider, 'the password holds control characters');
  const env = { SLIPWAY_GIT_USERNAME: username, SLIPWAY_GIT_PASSWORD: password };
  return { settings: [`credential.helper=${helper}`], env };
}

async function httpAccess({ address, credential }: RepositoryPlace, ip: string, folder: string, { ca }: Trust) {
  const { scheme, host, port, path } = address;
  const bundle = join(folder, 'ca.pem');
  if (scheme === 'https') await writeFile(bundle, ca().join('\n'), { mode: 0o600 });
  const { settings, env } = passwordAccess(credential);
  const pinned = isIP(host) === 0 ? [`http.curloptResolve=${host}:${port}:${isIP(ip) === 6 ? `[${ip}]` : ip}`] : [];
  return {
    url: `${scheme}://${hostAndPort(address)}${path}`,
    settings: [
      `protocol.${scheme}.allow=always`,
      `http.sslCAInfo=${bundle}`,
      'http.sslVerify=true',
      ...pinned,
      ...settings,
      'http.lowSpeedLimit=1',
      'http.lowSpeedTime=30',
    ],
    env,
  };
}

/** Quotes a path for an ssh configuration. */
const quoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`;

function sshConfig(lines: Record<string, string>): string {
  const ours = Object.entries({
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    BatchMode: 'yes',
    PreferredAuthentications: 'publickey',
    StrictHostKeyChecking: 'yes',
    GlobalKnownHostsFile: '/dev/null',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    CanonicalizeHostname: 'no',
    ProxyCommand: 'none',
    PermitLocalCommand: 'no',
    ControlPath: 'none',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    RequestTTY: 'no',
    LogLevel: 'ERROR',
    ConnectTimeout: '15',
    ServerAliveInterval: '10',
    ServerAliveCountMax: '3',
    ...lines,
  });
  return `Host *\n${ours.map(([name, value]) => `  ${name} ${value}\n`).join('')}`;
}

async function sshAccess({ address, credential }: RepositoryPlace, ip: string, folder: string, trust: Trust) {
  const { host, port, path, isShort } = address;
  const hosts = trust.knownHosts() ?? '';
  if (credential?.type !== 'SSH_PRIVATE_KEY') throw refused(provider, `${hostAndPort(address)} wants a private key`);
  const { username, privateKey } = credential;
  if (!userName.test(username)) throw refused(provider, 'the user name is none that ssh takes');
  if (new PinnedKeys(hosts, [knownName(host, port)]).types.length === 0) {
    throw refused(provider, `the host key of ${hostAndPort(address)} is not in SLIPWAY_REPOSITORY_KNOWN_HOSTS`);
  }
  const [key, known, config] = [join(folder, 'key'), join(folder, 'known_hosts'), join(folder, 'config')];
  await writeFile(key, sshPrivateKey(privateKey), { mode: 0o600 });
  await writeFile(known, hosts, { mode: 0o600 });
  const lines = {
    HostName: ip,
    HostKeyAlias: knownName(host, port),
    IdentityFile: quoted(key),
    UserKnownHostsFile: quoted(known),
  };
  await writeFile(config, sshConfig(lines), { mode: 0o600 });
  return {
    url: isShort ? `${username}@${host}:${path}` : `ssh://${username}@${hostAndPort(address)}${path}`,
    settings: ['protocol.ssh.allow=always', 'ssh.variant=ssh'],
    env: { GIT_SSH_COMMAND: 'ssh -F "$SLIPWAY_SSH_CONFIG"', SLIPWAY_SSH_CONFIG: config },
  };
}

/** Passes the access to a repository to `work`, in a folder below `parent` that is always removed. */
export async function withAccess<T>(
  place: RepositoryPlace,
  { ip, trust, parent }: { ip: string; trust: Trust; parent: string },
  work: (access: GitAccess) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(parent, '.access-'));
  try {
    const open = place.address.scheme === 'ssh' ? sshAccess : httpAccess;
    return await work(await open(place, ip, folder, trust));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
