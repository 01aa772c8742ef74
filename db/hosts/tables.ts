import type { Generated, Selectable } from 'kysely';

export const packageTypes = ['zip', 'tar.gz', 'rpm'] as const;
type PackageType = (typeof packageTypes)[number];

/** The way a change of power is requested; `local`: the processes of a host that is a folder. */
export type CallWay = 'guest' | 'provider' | 'local';

interface HostCallsTable {
  taskId: number;
  position: number;
  way: CallWay;
  token: Generated<string>;
  askedTime: Generated<Date>;
  answeredTime: Date | null;
  job: string | null;
  note: string | null;
  downSince: Date | null;
  attempts: Generated<number>;
  /** The provider's id of the host's last restart, before the call. */
  last: string | null;
}

interface ShippedPackagesTable {
  id: Generated<number>;
  name: string;
  type: PackageType;
  maintainer: string;
  description: Generated<string>;
  version: Generated<string>;
  source: string;
  sha256: string | null;
  createdTime: Generated<Date>;
  updateTime: Generated<Date>;
}

interface TaskPackagesTable {
  taskId: number;
  seq: number;
  packageId: number;
  name: string;
  type: PackageType;
  version: string;
  source: string;
  sha256: string | null;
}

interface HostSweepsTable {
  hostId: number;
  /** When the host was last asked to drop jobs of ended tasks. */
  askedTime: Date;
  /** Jobs of tasks that ended before this are deleted from the host; null: unknown. */
  sweptBefore: Date | null;
}

/** Calls that change hosts, what was dropped there, and packages that they are given. */
export interface HostTaskTables {
  hostCalls: HostCallsTable;
  hostSweeps: HostSweepsTable;
  shippedPackages: ShippedPackagesTable;
  taskPackages: TaskPackagesTable;
}

export type HostCallRow = Selectable<HostCallsTable>;
export type ShippedPackageRow = Selectable<ShippedPackagesTable>;
export type TaskPackageRow = Selectable<TaskPackagesTable>;
