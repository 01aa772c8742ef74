import { hostTypes } from '../hosts/contract.ts';
import type { HostType, OsStatus } from '../hosts/contract.ts';
import type { Actor } from '../tasks/contract.ts';

/** The sources of machines: providers by host type, and Salt's minions. IPMI controllers do not list machines. */
export const sources = [...hostTypes.filter((type) => type !== 'PHY_HOST'), 'SALT'] as const;
export type Source = Exclude<HostType, 'PHY_HOST'> | 'SALT';

/** `import` shows machines to adopt; `sync` shows drift of known hosts, and changes nothing. */
export const importKinds = ['import', 'sync'] as const;
export type ImportKind = (typeof importKinds)[number];

export const importStatuses = ['running', 'adopting', 'finished', 'failed'] as const;
export type ImportStatus = (typeof importStatuses)[number];

/** `missing`: in the inventory, but not at its provider. */
export const differences = ['new', 'known', 'changed', 'missing'] as const;
export type Difference = (typeof differences)[number];

export interface FoundAddress {
  address: string;
  addr_type: 'PRIVATE' | 'PUBLIC';
}

/** A machine of a source, ready to become a host. */
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
