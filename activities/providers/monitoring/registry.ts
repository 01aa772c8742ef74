import { readFileSync } from 'node:fs';
import type { Config } from '../../../kit/config/config.ts';
import type { Monitoring } from './driver.ts';
import { createZabbix } from './zabbix.ts';

/** The configured monitoring system; null: not configured. */
export function createMonitoring(config: Config): Monitoring | null {
  const { zabbixUrl: url, zabbixCaFile: caFile } = config;
  if (url === undefined) return null;
  return createZabbix({
    url,
    token: config.zabbixToken,
    user: config.zabbixUser,
    password: config.zabbixPassword,
    ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
    defaultGroup: config.zabbixDefaultGroup,
    minSeverity: config.zabbixMinSeverity,
  });
}
