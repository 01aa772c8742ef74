import type { Actor } from '../tasks/contract.ts';
import type { ImportStatus, Source } from './contract.ts';

export interface ImportActivities {
  /** Reads every machine of a source into the findings; records the error of a failed source. Idempotent. */
  discoverHosts(input: { importId: number; source: Source }): Promise<void>;
  /** Compares findings with the inventory. */
  compareFindings(input: { importId: number }): Promise<void>;
  /** Creates hosts from the chosen findings, or from all new ones; existing hosts are unchanged. */
  adoptHosts(input: { importId: number; all: boolean; actor: Actor }): Promise<void>;
  settleImport(input: { importId: number; error: string | null }): Promise<ImportStatus>;
}
