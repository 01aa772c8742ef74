import { ProviderError } from '../error.ts';

/** Why a package is refused. `corrupt`: damaged, truncated, or not the format that its name implies. */
export type RefusalReason = 'missing' | 'path' | 'link' | 'special' | 'duplicate' | 'size' | 'corrupt' | 'empty';

/** A permanently refused package; names the offending entry, if any. */
export class InvalidPackageError extends ProviderError {
  readonly reason: RefusalReason;
  readonly entry: string | null;

  constructor(reason: RefusalReason, entry: string | null, text: string) {
    super('refused', 'package', entry === null ? text : `${JSON.stringify(entry.slice(0, 300))}: ${text}`);
    this.name = 'InvalidPackageError';
    this.reason = reason;
    this.entry = entry;
  }
}
