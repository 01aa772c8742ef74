// Refusals that need no host: what is not configured cannot work, and is said before any work begins.
import type { HostRow } from '../../db/inventory.ts';
import type { RunnerName } from '../../workflows/hosts/contract.ts';
import { detail, Problem, type Text } from '../../workflows/problem.ts';
import type { Ctx } from '../context.ts';
import type { FieldOf } from '../entries.ts';

/** Settings that drivers take; those that the configuration does not know yet count as not set. */
type Settings = Readonly<Record<string, unknown>>;

const variables: Record<RunnerName, { variable: string; isSet(settings: Settings): boolean }> = {
  local: { variable: 'SLIPWAY_LOCAL_RUNNER', isSet: ({ localRunner }) => localRunner === true },
  salt: { variable: 'SLIPWAY_SALT_URL', isSet: ({ saltUrl }) => saltUrl !== undefined },
  ssh: { variable: 'SLIPWAY_SSH_KEY_FILE', isSet: ({ sshKeyFile }) => sshKeyFile !== undefined },
};

/** Refuses hosts whose runner is not configured, naming the variable and each host. */
export function refuseRunners({ config }: Pick<Ctx, 'config'>, hosts: readonly HostRow[], field: FieldOf): void {
  const details = hosts.flatMap(({ runner }, index) => {
    const { variable, isSet } = variables[runner];
    const reason: Text = `the runner "${runner}" is not configured: ${variable} is not set`;
    return isSet({ ...config }) ? [] : [detail(field(index), reason)];
  });
  const [first] = details;
  if (first) throw new Problem('salt_failed', { reason: first.message }, details);
}

/** Refuses work that needs Zabbix where there is none. */
export function refuseZabbix({ config }: Pick<Ctx, 'config'>, names: readonly string[]): void {
  if (names.length > 0 && config.zabbixUrl === undefined)
    throw new Problem('zabbix_failed', { reason: 'SLIPWAY_ZABBIX_URL is not set' });
}
