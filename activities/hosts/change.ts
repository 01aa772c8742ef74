import type { HostStatus } from '../../workflows/hosts/contract.ts';
import { initialise } from './init.ts';
import { monitored } from './monitor.ts';
import { asking } from './host-task-error.ts';
import type { Done, HostWork } from './host-work.ts';

const names = (value: unknown): string[] | undefined => (Array.isArray(value) ? value.map(String) : undefined);

/** Sets the monitoring groups and templates of a host to those of its task. */
export async function changeZabbix(work: HostWork): Promise<Done> {
  const { opts } = work;
  await monitored(work, { groups: names(opts['zabbix_groups']), templates: names(opts['zabbix_templates']) });
  return { left: {} };
}

/** Changes a host's status. The task checked the transition when it began, and has held the host since. */
export async function changeStatus(work: HostWork): Promise<Done> {
  const { opts, host, deps } = work;
  const status = opts['status'] as HostStatus;
  if (status === 'inited' && host.status === 'raw') return initialise(work);
  if (status === 'offline' && deps.monitoring) await asking('monitoring', deps.monitoring.disableHost(host.name));
  return { left: { status } };
}
