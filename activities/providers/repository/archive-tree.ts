// Checks that all entries together form one self-contained tree: nothing below a non-folder, no link that leads outside,
// also through other links, except absolute ones into allowed folders. As with tar and unzip, the last of several files or
// links of one name wins; a link replacing anything else is refused. So a plain `tar -x` on a host is safe in any order.
import type { PackageEntry } from './archive-entry.ts';
import type { PackageNotes } from './notes.ts';
import { InvalidPackageError } from './refusal.ts';

const maximumHops = 40;

export class PackageTree {
  readonly #kinds = new Map<string, Exclude<PackageEntry['kind'], 'hardlink'>>();
  readonly #links = new Map<string, string>();
  readonly #linkTargets: readonly string[];
  readonly #notes: PackageNotes;
  #isEmpty = true;

  /** Absolute links may lead into the folders `linkTargets`. */
  constructor(linkTargets: readonly string[], notes: PackageNotes) {
    this.#linkTargets = linkTargets;
    this.#notes = notes;
  }

  /** Adds the next entry; false if it changes nothing. Refuses entries that conflict with earlier ones. */
  add({ path, kind, target }: PackageEntry): boolean {
    const present = this.#kinds.get(path);
    const made = kind === 'hardlink' ? 'file' : kind;
    if (present !== undefined && present !== made) {
      throw new InvalidPackageError('duplicate', path, `is there twice, as a ${present} and as a ${made}`);
    }
    this.#addParents(path);
    if (kind === 'hardlink' && this.#kinds.get(target ?? '') !== 'file') {
      throw new InvalidPackageError('link', path, 'a hard link to something that is no file before it');
    }
    if (present !== undefined && kind !== 'directory') this.#notes.add('repeated_entries', path);
    if (kind === 'symlink') this.#links.set(path, target ?? '');
    this.#kinds.set(path, made);
    this.#isEmpty = false;
    // tar writes a file listed twice as a link to itself, and some implementations unpack that by deleting it.
    return kind !== 'hardlink' || target !== path;
  }

  /** Resolves every link; call it after the last entry. */
  finish(): void {
    if (this.#isEmpty) throw new InvalidPackageError('empty', null, 'the package holds nothing');
    for (const path of this.#links.keys()) this.#follow(path);
  }

  #addParents(path: string): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      const kind = this.#kinds.get(parent);
      if (kind === 'directory') return;
      if (kind !== undefined) throw new InvalidPackageError('link', path, `lies below ${parent}, which is no folder`);
      this.#kinds.set(parent, 'directory');
    }
  }

  /** Resolves a link step by step like the kernel; it may dangle, but not lead outside. */
  #follow(link: string): void {
    const refuse = (text: string): never => {
      throw new InvalidPackageError('link', link, `a link ${text}`);
    };
    const place = link.split('/').slice(0, -1);
    let target = this.#links.get(link) ?? '';
    let way: string[] = [];
    let hops = 0;
    for (;;) {
      if (target === '' || target.includes('\0')) refuse('to nothing');
      way = [...target.split('/'), ...way].filter((step) => step !== '' && step !== '.');
      if (target.startsWith('/')) {
        if (!this.#isAllowed(way)) refuse('to an absolute path that is not in SLIPWAY_LINK_TARGETS');
        return;
      }
      const next = this.#walk(place, way, refuse);
      if (next === undefined) return;
      if ((hops += 1) > maximumHops) refuse('that turns in a circle');
      target = next;
    }
  }

  /** Walks up to the next link and returns its target; undefined at the end of the path. */
  #walk(place: string[], way: string[], refuse: (text: string) => never): string | undefined {
    for (let step = way.shift(); step !== undefined; step = way.shift()) {
      if (step === '..') {
        if (place.pop() === undefined) refuse('out of the package');
        continue;
      }
      const next = this.#links.get([...place, step].join('/'));
      if (next !== undefined) return next;
      place.push(step);
    }
    return undefined;
  }

  /** Whether an absolute path stays within a folder that links may lead into. */
  #isAllowed(way: readonly string[]): boolean {
    const path = `/${way.join('/')}/`;
    return !way.includes('..') && this.#linkTargets.some((folder) => path.startsWith(`${folder.replace(/\/$/, '')}/`));
  }
}
