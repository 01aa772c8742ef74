import type { Config } from '../../../kit/config/config.ts';
import { createLocalRunner } from './local.ts';
import type { MinionKeys } from './minions.ts';
import type { Runners } from './registry.ts';
import type { SaltSettings } from './salt/api.ts';
import { createSaltRunner } from './salt/index.ts';
import { SaltKeys } from './salt/keys.ts';
import { createSshRunner } from './ssh/index.ts';

/** Creates the configured drivers. */
export function createRunners(config: Config): Runners {
  const { localRunner, dataDir, sshKeyFile, sshKnownHosts } = config;
  const ssh = sshKeyFile !== undefined &&
    sshKnownHosts !== undefined && { keyFile: sshKeyFile, knownHosts: sshKnownHosts };
  const salt = saltOf(config);
  return {
    ...(localRunner && { local: createLocalRunner({ dataDir }) }),
    ...(ssh && { ssh: createSshRunner({ ...ssh, user: config.sshUser, port: config.sshPort }) }),
    ...(salt && { salt: createSaltRunner(salt) }),
  };
}

/** Access to minion keys, if minions are installed over SSH. */
export function createMinionKeys(config: Config): MinionKeys | null {
  const { saltMaster: master } = config;
  const salt = saltOf(config);
  return salt && master !== undefined ? new SaltKeys(salt, master) : null;
}

function saltOf(config: Config): SaltSettings | null {
  const { saltUrl: url, saltUser: user, saltPassword: password, saltEauth: eauth } = config;
  if (url === undefined || user === undefined || password === undefined) return null;
  return { url, user, password, eauth, caFile: config.saltCaFile, fileRoot: config.saltFileRoot };
}
