// Settings of SSH and Salt. Each is off until its first variable is set, and then requires the others.
import { z } from 'zod';
import { isNeverHost, isPrivate, literalAddress } from '../addresses.ts';
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
  saltPassword: optional('SLIPWAY_SALT_PASSWORD', z.string(), 'none', `${withSalt}their password`),
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

/** Whether a password would be sent unencrypted to a public address; names are checked at resolution. */
function isUnsafe({ protocol, hostname }: URL): boolean {
  const address = literalAddress(hostname);
  return protocol !== 'https:' && address !== null && !isPrivate(address);
}

/** Missing or inconsistent settings of runners. */
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
  const salt = config.saltUrl === undefined ? null : new URL(config.saltUrl);
  if (salt && isNeverHost(salt.hostname))
    mistakes.push('SLIPWAY_SALT_URL: must not be a link-local address or a metadata service');
  else if (salt && isUnsafe(salt))
    mistakes.push('SLIPWAY_SALT_URL: is http to a public address; the password would go there in the clear, use https');
  return mistakes;
}
