import type { Config } from '../../../kit/config.ts';
import { createLocalRunner } from './local.ts';
import type { Runners } from './registry.ts';
import { createSshRunner } from './ssh/index.ts';

/** The drivers that are configured. */
export function createRunners(config: Config): Runners {
  const { localRunner, dataDir, sshKeyFile, sshKnownHosts } = config;
  const ssh = sshKeyFile !== undefined &&
    sshKnownHosts !== undefined && { keyFile: sshKeyFile, knownHosts: sshKnownHosts };
  return {
    ...(localRunner && { local: createLocalRunner({ dataDir }) }),
    ...(ssh && { ssh: createSshRunner({ ...ssh, user: config.sshUser, port: config.sshPort }) }),
  };
}
