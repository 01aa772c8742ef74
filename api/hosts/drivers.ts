// Checks that need no response from a host: work that requires an unconfigured service is rejected up front.
import type { HostRow } from '../../db/inventory/tables.ts';
import { cloudTypes } from '../../kit/config/cloud-types.ts';
import type { Config } from '../../kit/config/config.ts';
import { settings } from '../../kit/config/settings.ts';
import { isFolder, runnerTable } from '../../workflows/hosts/contract.ts';
import type { HostTaskKind } from '../../workflows/hosts/contract.ts';
import { cloudFailed } from '../../workflows/hosts/policy.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { msg, type Message } from '../../kit/messages/message.ts';

type Configured = Pick<Ctx, 'config'>;

/** Whether maintenance periods and removal of hosts from monitoring are available. */
export const hasMonitoring = ({ config }: Configured): boolean => config.zabbixUrl !== undefined;

/** The reason why a host's runner is unusable, if any. */
function runnerMissing(config: Config, { runner }: HostRow): Message | null {
  const { setting } = runnerTable[runner];
  const isSet = config[setting] !== undefined && config[setting] !== false;
  const { variable } = settings[setting];
  return isSet ? null : msg('runner_not_configured', { name: runner, mistake: msg('variable_not_set', { variable }) });
}

/** The reason why a host's provider is unusable, if any. */
function providerMissing(config: Config, { name, hostType, providerId, ipmi }: HostRow): Message | null {
  const { variable, isSet } = cloudTypes[hostType];
  if (!isSet(config)) return msg('variable_not_set', { variable });
  if (hostType === 'PHY_HOST') return ipmi === null ? msg('host_has_no', { name, field: 'ipmi' }) : null;
  return providerId === null ? msg('host_has_no', { name, field: 'provider_id' }) : null;
}

/** Missing configuration for an initialisation. */
export function initMissing({ config }: Configured, host: HostRow): Problem | undefined {
  const reason = runnerMissing(config, host);
  return reason === null ? undefined : new Problem('salt_failed', { reason });
}

/** Missing configuration for a change of power: of the runner or the provider, by its kind and force. */
export function powerMissing(
  { config }: Configured,
  kind: HostTaskKind,
  host: HostRow,
  force: boolean,
): Problem | undefined {
  const noRunner = runnerMissing(config, host);
  if (isFolder(host.runner)) {
    const name = kind === 'start' ? 'start_salt_failed' : 'power_salt_failed';
    return noRunner === null ? undefined : new Problem(name, { reason: noRunner });
  }
  const noProvider = providerMissing(config, host);
  if (noProvider === null) return undefined;
  if (kind === 'start') return new Problem('start_failed', { reason: noProvider });
  if (force) return new Problem(cloudFailed[host.hostType], { reason: noProvider });
  return noRunner === null
    ? undefined
    : new Problem('power_salt_failed', { reason: msg('both', { one: noRunner, other: noProvider }) });
}

/** Rejects work that needs Zabbix if it is not configured. */
export function refuseZabbix(ctx: Configured, names: readonly string[]): void {
  if (names.length > 0 && !hasMonitoring(ctx))
    throw new Problem('zabbix_failed', { reason: msg('variable_not_set', { variable: 'SLIPWAY_ZABBIX_URL' }) });
}
