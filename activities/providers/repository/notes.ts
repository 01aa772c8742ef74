import type { PackageNote, PackageNoteName } from '../../../workflows/deploy/contract.ts';
import { packageNotes } from '../../../workflows/deploy/contract.ts';

const longestExample = 200;

/** Decisions made while reading a package, for its approvers: their number, and the first case. */
export class PackageNotes {
  readonly #found = new Map<PackageNoteName, PackageNote>();

  add(note: PackageNoteName, example: string): void {
    const present = this.#found.get(note);
    if (present) present.count += 1;
    else this.#found.set(note, { note, count: 1, example: example.slice(0, longestExample) });
  }

  /** The relevant notes in a fixed order: names valid as both UTF-8 and GBK matter only next to GBK names. */
  list(): PackageNote[] {
    const isMixed = this.#found.has('gbk_names');
    return packageNotes.flatMap((name) => {
      const found = this.#found.get(name);
      return found && (name !== 'ambiguous_names' || isMixed) ? [found] : [];
    });
  }
}
