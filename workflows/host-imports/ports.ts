import type { Actor } from '../tasks/contract.ts';
import type { ImportStatus, Source } from './contract.ts';

export interface ImportActivities {
  /** Reads every machine of a source into the findings; a source that fails is kept with its error. May be repeated. */
  discoverHosts(input: { importId: number; source: Source }): Promise<void>;
  /** Compares findings with the inventory. */
  compareFindings(input: { importId: number }): Promise<void>;
  /** Makes hosts of the findings that are wanted, or of all that are new; those that became hosts stay as they are. */
  adoptHosts(input: { importId: number; all: boolean; actor: Actor }): Promise<void>;
  settleImport(input: { importId: number; error: string | null }): Promise<ImportStatus>;
}
