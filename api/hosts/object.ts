import { z } from 'zod';
import { hostPermissions } from '../../db/access/permission-catalogue.ts';
import { actionsOn } from '../../db/access/rights.ts';
import type { SeenHost } from '../../db/hosts/find.ts';
import type { StoredIpmi } from '../../db/hosts/ipmi.ts';
import { hostStatuses, hostTypes, osStatuses, runnerNames } from '../../workflows/hosts/contract.ts';
import { busy, presentBusy } from '../applications/instance-object.ts';
import type { Ctx } from '../operations/context.ts';
import { masked } from '../operations/secret-placeholder.ts';
import { actions, asFlags, iso, time } from '../operations/schemas.ts';
import { ipAddressObject } from './addresses.ts';

export const hostObject = z.object({
  id: z.int(),
  name: z.string(),
  host_type: z.enum(hostTypes),
  status: z.enum(hostStatuses),
  os_status: z.enum(osStatuses).nullable(),
  os_type: z.string(),
  cpu: z.int().nullable(),
  memory: z.int().nullable(),
  location: z.string(),
  ip_address: z.array(ipAddressObject),
  description: z.string(),
  provider_id: z.string().nullable(),
  runner: z.enum(runnerNames),
  minion_id: z.string(),
  /** The way for its commands and power; null: it is a folder of the worker's machine. */
  way: z.string().nullable(),
  /** `waiting`: no command runs there until a user with manage_host admits the way. */
  admission: z.enum(['admitted', 'waiting']),
  ipmi: z.object({ address: z.string(), username: z.string(), password: z.literal(masked) }).nullable(),
  zabbix_groups: z.array(z.string()),
  zabbix_templates: z.array(z.string()),
  busy,
  expires_at: time.nullable(),
  creator: z.string(),
  created_time: time,
  updated_time: time,
  available_actions: actions(...hostPermissions),
});
export type HostObject = z.output<typeof hostObject>;

/** Hosts in API form, for this caller. */
export function presentHosts(rows: readonly SeenHost[], { subject, config }: Ctx): HostObject[] {
  return rows.map((row) => {
    const ipmi = row.ipmi as StoredIpmi | null;
    return {
      id: row.id,
      name: row.name,
      host_type: row.hostType,
      status: row.status,
      os_status: row.osStatus,
      os_type: row.osType,
      cpu: row.cpu,
      memory: row.memory,
      location: row.location,
      ip_address: row.ipAddress,
      description: row.description,
      provider_id: row.providerId,
      runner: row.runner,
      minion_id: row.minionId ?? row.name,
      way: row.way,
      admission: row.isAdmitted || config.hostAdmission === 'open' ? 'admitted' : 'waiting',
      ipmi: ipmi && { address: ipmi.address, username: ipmi.username, password: masked },
      zabbix_groups: row.zabbixGroups,
      zabbix_templates: row.zabbixTemplates,
      busy: presentBusy(row),
      expires_at: iso(row.expiresAt),
      creator: row.creator,
      created_time: iso(row.createdTime),
      updated_time: iso(row.updatedTime),
      available_actions: asFlags(hostPermissions, actionsOn(subject, 'host', row.granted)),
    };
  });
}
