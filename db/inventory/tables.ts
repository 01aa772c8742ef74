import type { Generated, GeneratedAlways, JSONColumnType, Selectable } from 'kysely';
import type { InstanceStatus, ResponseType } from '../../workflows/applications/contract.ts';
import type { HostStatus, HostType, IpAddress, OsStatus, RunnerName } from '../../workflows/hosts/contract.ts';

/** Where a machine is: account, region or zone, and id at its provider. */
export interface CloudLocation {
  account: string;
  region: string;
  id: string;
}

interface ProductionsTable {
  id: Generated<number>;
  name: string;
  description: Generated<string>;
  creator: string;
  createdTime: Generated<Date>;
}

/** How an application is started and stopped, as it is written in its fields. */
export interface Commands {
  runUser: string;
  directory: string;
  startupCmd: string;
  stopCmd: string;
  pidPath: string;
}

/** The same of an instance, with the path that it was deployed to. */
export type InstanceCommands = Omit<Commands, 'directory'> & { deployPath: string };

interface ApplicationsTable {
  id: Generated<number>;
  name: string;
  parentId: number | null;
  fullName: string;
  description: Generated<string>;
  applicationType: Generated<string>;
  runUser: Generated<string>;
  directory: Generated<string>;
  startupCmd: Generated<string>;
  stopCmd: Generated<string>;
  stdoutPath: Generated<string>;
  stderrPath: Generated<string>;
  pidPath: Generated<string>;
  /** Those that count while the fields above wait for a confirmation; null: the fields count. */
  confirmedCommands: JSONColumnType<Commands, string | null | undefined, string | null> | null;
  /** Usernames of those who wrote what waits. */
  commandsBy: Generated<string[]>;
  productionId: number | null;
  creator: string;
  createdTime: Generated<Date>;
  updatedTime: Generated<Date>;
  deletedTime: Date | null;
}

interface HostsTable {
  id: Generated<number>;
  name: string;
  hostType: HostType;
  status: Generated<HostStatus>;
  osStatus: OsStatus | null;
  osType: Generated<string>;
  cpu: number | null;
  memory: number | null;
  location: Generated<string>;
  ipAddress: JSONColumnType<IpAddress[], string | undefined>;
  /** The addresses of `ipAddress` and the name as the filters search them: in small letters. */
  addresses: GeneratedAlways<string>;
  searchedName: GeneratedAlways<string>;
  description: Generated<string>;
  providerId: string | null;
  runner: Generated<RunnerName>;
  minionId: string | null;
  ipmi: JSONColumnType<object> | null;
  /** Where its provider has it; null: not looked up yet. */
  place: JSONColumnType<CloudLocation> | null;
  /** The way to it that somebody has admitted; null: none. */
  admittedWay: string | null;
  zabbixGroups: JSONColumnType<string[], string | undefined>;
  zabbixTemplates: JSONColumnType<string[], string | undefined>;
  busyKind: string | null;
  busyTaskId: number | null;
  expiresAt: Date | null;
  creator: string;
  createdTime: Generated<Date>;
  updatedTime: Generated<Date>;
  deletedTime: Date | null;
}

interface InstancesTable {
  id: Generated<number>;
  applicationId: number;
  hostId: number;
  status: Generated<InstanceStatus>;
  version: string | null;
  releases: JSONColumnType<string[], string | undefined>;
  /** What it was last deployed with; null: never, or before this was kept. */
  commands: JSONColumnType<InstanceCommands> | null;
  busyKind: string | null;
  busyTaskId: number | null;
  createdTime: Generated<Date>;
  updatedTime: Generated<Date>;
}

interface ResponsePersonsTable {
  applicationId: number;
  userId: number;
  type: ResponseType;
}

interface RequiredAppsTable {
  applicationId: number;
  requiredId: number;
}

/** What the company runs, and where. */
export interface InventoryTables {
  productions: ProductionsTable;
  applications: ApplicationsTable;
  hosts: HostsTable;
  instances: InstancesTable;
  responsePersons: ResponsePersonsTable;
  requiredApps: RequiredAppsTable;
}

export type ProductionRow = Selectable<ProductionsTable>;
export type ApplicationRow = Selectable<ApplicationsTable>;
export type HostRow = Selectable<HostsTable>;
export type InstanceRow = Selectable<InstancesTable>;
