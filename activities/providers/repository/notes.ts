import type { PackageNote, PackageNoteName } from '../../../workflows/deploy/contract.ts';
import { packageNotes } from '../../../workflows/deploy/contract.ts';

const longestExample = 200;

/** What was decided while a package was read, for those who approve it: how often, and the first case. */
export class PackageNotes {
  readonly #found = new Map<PackageNoteName, PackageNote>();

  add(note: PackageNoteName, example: string): void {
    const present = this.#found.get(note);
    if (present) present.count += 1;
    else this.#found.set(note, { note, count: 1, example: example.slice(0, longestExample) });
  }

  /** Those that say something, in a fixed order: names that could be UTF-8 or GBK are of interest only beside GBK. */
  list(): PackageNote[] {
    const isMixed = this.#found.has('gbk_names');
    return packageNotes.flatMap((name) => {
      const found = this.#found.get(name);
      return found && (name !== 'ambiguous_names' || isMixed) ? [found] : [];
    });
  }
}
