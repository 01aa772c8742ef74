import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type {
  Difference,
  FoundAddress,
  ImportKind,
  ImportStatus,
  Source,
} from '../../workflows/host-imports/contract.ts';
import type { HostType, OsStatus } from '../../workflows/hosts/contract.ts';

interface HostImportsTable {
  id: Generated<number>;
  kind: ImportKind;
  sources: JSONColumnType<Source[]>;
  adopt: boolean;
  status: Generated<ImportStatus>;
  errors: JSONColumnType<{ source: Source; message: string }[], string | undefined>;
  adoptions: Generated<number>;
  creator: string;
  createdTime: Date;
  finishedTime: Date | null;
}

interface HostImportFindingsTable {
  id: Generated<number>;
  importId: number;
  source: Source;
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
  addresses: JSONColumnType<FoundAddress[]>;
  minionId: string | null;
  /** Null until everything is found. */
  difference: Difference | null;
  hostId: number | null;
  changes: JSONColumnType<Record<string, [unknown, unknown]>, string | undefined>;
  wanted: Generated<boolean>;
  adoptedTime: Date | null;
  note: string | null;
}

/** What was found at providers. */
export interface HostImportTables {
  hostImports: HostImportsTable;
  hostImportFindings: HostImportFindingsTable;
}

export type HostImportRow = Selectable<HostImportsTable>;
export type FindingRow = Selectable<HostImportFindingsTable>;
