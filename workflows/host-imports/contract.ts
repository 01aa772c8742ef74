import { hostTypes } from '../hosts/contract.ts';
import type { HostType, OsStatus } from '../hosts/contract.ts';
import type { Actor } from '../tasks/contract.ts';

/** Where machines are found: providers by the type of their hosts, and Salt's minions. Controllers know no others. */
export const sources = [...hostTypes.filter((type) => type !== 'PHY_HOST'), 'SALT'] as const;
export type Source = Exclude<HostType, 'PHY_HOST'> | 'SALT';

/** `import` shows what could be adopted; `sync` shows drift of hosts that are known, and changes nothing. */
export const importKinds = ['import', 'sync'] as const;
export type ImportKind = (typeof importKinds)[number];

export const importStatuses = ['running', 'adopting', 'finished', 'failed'] as const;
export type ImportStatus = (typeof importStatuses)[number];

/** `missing`: the inventory has it and its provider does not. */
export const differences = ['new', 'known', 'changed', 'missing'] as const;
export type Difference = (typeof differences)[number];

export interface FoundAddress {
  address: string;
  addr_type: 'PRIVATE' | 'PUBLIC';
}

/** A machine as a source has it, ready to become a host. */
export interface Found {
  hostType: HostType;
  key: string;
  providerId: string | null;
  account: string;
  region: string;
  name: string;
  osStatus: OsStatus | null;
  osType: string;
  cpu: number | null;
  memory: number | null;
  location: string;
  addresses: FoundAddress[];
  minionId: string | null;
}

/** `host-import/7` */
export const hostImportWorkflowId = (importId: number): string => `host-import/${importId}`;
/** `host-import/7/adopt/1` */
export const hostAdoptionWorkflowId = (importId: number, number: number): string =>
  `host-import/${importId}/adopt/${number}`;

export interface ImportInput {
  importId: number;
  sources: Source[];
  adopt: boolean;
  actor: Actor;
}

export interface AdoptionInput {
  importId: number;
  actor: Actor;
}
