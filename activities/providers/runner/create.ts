import type { Config } from '../../../kit/config.ts';
import { createLocalRunner } from './local.ts';
import type { Runners } from './registry.ts';
import { createSaltRunner } from './salt/index.ts';
import { createSshRunner } from './ssh/index.ts';

/** The drivers that are configured. */
export function createRunners(config: Config): Runners {
  const { localRunner, dataDir, sshKeyFile, sshKnownHosts } = config;
  const ssh = sshKeyFile !== undefined &&
    sshKnownHosts !== undefined && { keyFile: sshKeyFile, knownHosts: sshKnownHosts };
  const { saltUrl: url, saltUser: user, saltPassword: password } = config;
  const salt = url !== undefined && user !== undefined && password !== undefined && { url, user, password };
  const saltFiles = { caFile: config.saltCaFile, fileRoot: config.saltFileRoot };
  return {
    ...(localRunner && { local: createLocalRunner({ dataDir }) }),
    ...(ssh && { ssh: createSshRunner({ ...ssh, user: config.sshUser, port: config.sshPort }) }),
    ...(salt && { salt: createSaltRunner({ ...salt, ...saltFiles, eauth: config.saltEauth }) }),
  };
}
