import { ProviderError } from '../error.ts';

/** Why a package is not taken. `corrupt`: damaged, cut short, or not what its name says. */
export type RefusalReason = 'missing' | 'path' | 'link' | 'special' | 'duplicate' | 'size' | 'corrupt' | 'empty';

/** A package that will never be taken; names the entry that it is refused for, where there is one. */
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
