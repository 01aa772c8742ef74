import { z } from 'zod';
import type { InstanceRow } from '../../db/inventory/tables.ts';
import { instanceStatuses } from '../../workflows/applications/contract.ts';
import { iso, time } from '../operations/schemas.ts';

/** The task that holds an instance or a host. */
export const busy = z.object({ kind: z.string(), task_id: z.string() }).nullable();

export const instanceObject = z.object({
  id: z.int(),
  hostid: z.int(),
  hostname: z.string(),
  status: z.enum(instanceStatuses),
  version: z.string().nullable(),
  releases: z.array(z.string()),
  busy,
  created_time: time,
  updated_time: time,
});

/** The task that holds a row, if any. */
export const presentBusy = ({ busyKind, busyTaskId }: Pick<InstanceRow, 'busyKind' | 'busyTaskId'>) =>
  busyKind === null ? null : { kind: busyKind, task_id: String(busyTaskId) };

/** An instance in API form. */
export const presentInstance = (row: InstanceRow & { hostname: string }): z.input<typeof instanceObject> => ({
  id: row.id,
  hostid: row.hostId,
  hostname: row.hostname,
  status: row.status,
  version: row.version,
  releases: row.releases,
  busy: presentBusy(row),
  created_time: iso(row.createdTime),
  updated_time: iso(row.updatedTime),
});
