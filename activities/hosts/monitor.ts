import { showHost } from '../../db/hosts/work.ts';
import { json } from '../../db/core/jsonb.ts';
import type { MonitoringOptions } from '../providers/monitoring/driver.ts';
import { asking, refusedBy } from './host-task-error.ts';
import type { HostWork } from './host-work.ts';
import { msg } from '../../kit/messages/message.ts';

/** Adds a host to monitoring or updates its groups and templates; records the confirmed result. */
export async function monitored(work: HostWork, options: MonitoringOptions): Promise<void> {
  const { deps, host } = work;
  if (!deps.monitoring) throw refusedBy('monitoring', msg('variable_not_set', { variable: 'SLIPWAY_ZABBIX_URL' }));
  const addresses = [...host.ipAddress]
    .sort((a, b) => Number(b.addr_type === 'PRIVATE') - Number(a.addr_type === 'PRIVATE'))
    .map(({ address }) => address);
  const { groups, templates } = await asking(
    'monitoring',
    deps.monitoring.ensureHost({ name: host.name, addresses }, options),
  );
  await showHost(deps.db, host.id, { zabbixGroups: json(groups), zabbixTemplates: json(templates) });
}
