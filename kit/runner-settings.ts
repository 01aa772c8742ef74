// How hosts are reached by SSH and by Salt. Each is off until its first variable is set, and then needs the rest.
import { isIP } from 'node:net';
import { z } from 'zod';
import { file, optional, port, required, web } from './setting.ts';

const withSsh = 'only with SLIPWAY_SSH_KEY_FILE: ';
const withSalt = 'only with SLIPWAY_SALT_URL: ';

export const runnerSettings = {
  sshKeyFile: file(
    'SLIPWAY_SSH_KEY_FILE',
    'none: no hosts by SSH',
    'private key (mode 0600) for hosts of the runner `ssh`',
  ),
  sshKnownHosts: file(
    'SLIPWAY_SSH_KNOWN_HOSTS',
    'none',
    `${withSsh}their keys, in the format of OpenSSH's known_hosts; a host that is not in it is refused`,
  ),
  sshUser: required(
    'SLIPWAY_SSH_USER',
    z.string().regex(/^[^\s@:]{1,64}$/, 'must be a user name'),
    'root',
    `${withSsh}the user there`,
  ),
  sshPort: required('SLIPWAY_SSH_PORT', port, '22', `${withSsh}the port there`),
  saltUrl: optional(
    'SLIPWAY_SALT_URL',
    web('https://salt.example.com:8000'),
    'none: no hosts by Salt',
    'salt-api (rest_cherrypy) for hosts of the runner `salt`; `http` only to private addresses',
  ),
  saltUser: optional('SLIPWAY_SALT_USER', z.string(), 'none', `${withSalt}the user there`),
  saltPassword: optional('SLIPWAY_SALT_PASSWORD', z.string(), 'none', `${withSalt}his password`),
  saltEauth: required(
    'SLIPWAY_SALT_EAUTH',
    z.string(),
    'pam',
    `${withSalt}kind of authentication, such as pam or sharedsecret`,
  ),
  saltCaFile: file('SLIPWAY_SALT_CA_FILE', 'none', `${withSalt}file of the CA that signed its certificate`),
  saltFileRoot: file(
    'SLIPWAY_SALT_FILE_ROOT',
    'none: packages go by blocks',
    `${withSalt}a folder of the master's file_roots that workers may write: packages go through Salt's file server`,
  ),
  saltMaster: optional(
    'SLIPWAY_SALT_MASTER',
    z
      .string()
      .regex(
        /^([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/,
        'must be a name or an address, with its port where that is not 4506, such as salt.example.com',
      ),
    'none: minions are not installed',
    'only with SLIPWAY_SALT_URL and SLIPWAY_SSH_KEY_FILE: the master (its name or address) of minions that are installed by SSH',
  ),
};

type Found = { readonly [K in keyof typeof runnerSettings]?: unknown } & { readonly saltUrl?: string | undefined };

const isPrivate = (host: string): boolean =>
  /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\[::1\]$|\[f[cd])/i.test(
    host,
  );

function unsafeUrl(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  if (protocol === 'https:' || hostname === 'localhost') return false;
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  // A name is looked at when it is resolved (activities/providers/runner/salt/http.ts).
  return isAddress && !isPrivate(hostname);
}

/** What is missing or does not fit in the settings of runners. */
export function runnerMistakes(config: Found): string[] {
  const mistakes: string[] = [];
  const needs = (key: keyof typeof runnerSettings, first: keyof typeof runnerSettings): void => {
    if (config[first] !== undefined && config[key] === undefined)
      mistakes.push(`${runnerSettings[key].variable}: is missing though ${runnerSettings[first].variable} is set`);
  };
  needs('sshKnownHosts', 'sshKeyFile');
  needs('saltUser', 'saltUrl');
  needs('saltPassword', 'saltUrl');
  if (config.saltMaster !== undefined)
    for (const key of ['saltUrl', 'sshKeyFile'] as const)
      if (config[key] === undefined)
        mistakes.push(
          `SLIPWAY_SALT_MASTER: has no use without ${runnerSettings[key].variable}; set that too or remove it`,
        );
  if (config.saltUrl !== undefined && unsafeUrl(config.saltUrl))
    mistakes.push('SLIPWAY_SALT_URL: is http to a public address; the password would go there in the clear, use https');
  return mistakes;
}
