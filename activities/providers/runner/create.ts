import type { Config } from '../../../kit/config/config.ts';
import { runnerNames } from '../../../workflows/hosts/contract.ts';
import type { RunnerName } from '../../../workflows/hosts/contract.ts';
import type { Runner } from './driver.ts';
import { createLocalRunner } from './local.ts';
import type { MinionKeys } from './minions.ts';
import type { Runners } from './registry.ts';
import type { SaltSettings } from './salt/api.ts';
import { createSaltRunner } from './salt/transport.ts';
import { SaltKeys } from './salt/keys.ts';
import { createSshRunner } from './ssh/transport.ts';

/** Each runner's driver; null: not configured. */
const drivers: Record<RunnerName, (config: Config) => Runner | null> = {
  local: ({ localRunner, dataDir }) => (localRunner ? createLocalRunner({ dataDir }) : null),
  ssh: ({ sshKeyFile: keyFile, sshKnownHosts: knownHosts, sshUser: user, sshPort: port }) =>
    keyFile === undefined || knownHosts === undefined ? null : createSshRunner({ keyFile, knownHosts, user, port }),
  salt(config) {
    const salt = saltOf(config);
    return salt && createSaltRunner(salt);
  },
};

/** Creates the configured drivers. */
export function createRunners(config: Config): Runners {
  const runners: Runners = {};
  for (const name of runnerNames) {
    const runner = drivers[name](config);
    if (runner) runners[name] = runner;
  }
  return runners;
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
