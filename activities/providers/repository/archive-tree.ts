// What entries add up to. Taken together they must make one tree that stays within itself: nothing below something that is
// no folder, no link whose way (through other links too) leads out, but for an absolute one to a folder that is allowed.
// Of files of one name, and of links, the last counts, as for tar and unzip; a link in place of something else is refused.
// So a plain `tar -x` on a host is safe, whatever the order.
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

  /** `linkTargets` are the folders that absolute links may lead into. */
  constructor(linkTargets: readonly string[], notes: PackageNotes) {
    this.#linkTargets = linkTargets;
    this.#notes = notes;
  }

  /** Takes the next entry; false for one that changes nothing. Refuses what doesn't fit with those before. */
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
    // tar writes a file that is named to it twice as a link to itself, which some would unpack by removing it.
    return kind !== 'hardlink' || target !== path;
  }

  /** To be called after the last entry: follows every link. */
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

  /** Walks the link's way step by step as the system would; a way that ends nowhere is allowed, one that leaves is not. */
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

  /** Takes steps up to the next link, whose target it returns; undefined at the end of the way. */
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

  /** Whether an absolute way stays within a folder that links may lead into. */
  #isAllowed(way: readonly string[]): boolean {
    const path = `/${way.join('/')}/`;
    return !way.includes('..') && this.#linkTargets.some((folder) => path.startsWith(`${folder.replace(/\/$/, '')}/`));
  }
}
