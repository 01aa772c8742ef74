import type { Generated, Selectable } from 'kysely';

export const packageTypes = ['zip', 'tar.gz', 'rpm'] as const;
export type PackageType = (typeof packageTypes)[number];

/** How a change of power is asked for; `local`: the processes of a host that is a folder. */
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
  /** What the provider knew the host's last restart by, before the call. */
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
  /** Of tasks that had ended before it there is nothing on the host any more; null: nobody knows. */
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
