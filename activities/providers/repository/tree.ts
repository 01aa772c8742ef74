// What entries add up to. Taken together they must make one tree that stays within itself: nothing twice, nothing below
// something that is no folder, no link whose way (through other links too) leads out. So a plain `tar -x` on a host
// is safe, whatever the order.
import type { PackageEntry } from './entry.ts';
import { PackageRefused } from './refusal.ts';

const maximumHops = 40;

export class PackageTree {
  readonly #kinds = new Map<string, PackageEntry['kind']>();
  readonly #links = new Map<string, string>();
  #isEmpty = true;

  /** Takes the next entry; false for a folder that is there already. Refuses what doesn't fit with those before. */
  add({ path, kind, target }: PackageEntry): boolean {
    const present = this.#kinds.get(path);
    if (kind === 'directory' && present === 'directory') return false;
    if (present !== undefined) throw new PackageRefused('duplicate', path, 'is there twice');
    this.#addParents(path);
    if (kind === 'hardlink' && this.#kinds.get(target ?? '') !== 'file') {
      throw new PackageRefused('link', path, 'a hard link to something that is no file before it');
    }
    if (kind === 'symlink') this.#links.set(path, target ?? '');
    this.#kinds.set(path, kind === 'hardlink' ? 'file' : kind);
    this.#isEmpty = false;
    return true;
  }

  /** To be called after the last entry: follows every link. */
  finish(): void {
    if (this.#isEmpty) throw new PackageRefused('empty', null, 'the package holds nothing');
    for (const path of this.#links.keys()) this.#follow(path);
  }

  #addParents(path: string): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      const kind = this.#kinds.get(parent);
      if (kind === 'directory') return;
      if (kind !== undefined) throw new PackageRefused('link', path, `lies below ${parent}, which is no folder`);
      this.#kinds.set(parent, 'directory');
    }
  }

  /** Walks the link's way step by step as the system would; a way that ends nowhere is allowed, one that leaves is not. */
  #follow(link: string): void {
    const refuse = (text: string): never => {
      throw new PackageRefused('link', link, `a link ${text}`);
    };
    const place = link.split('/').slice(0, -1);
    const way = this.#stepsOf(this.#links.get(link) ?? '', refuse);
    let hops = 0;
    for (let step = way.shift(); step !== undefined; step = way.shift()) {
      if (step === '..') {
        if (place.pop() === undefined) refuse('out of the package');
        continue;
      }
      place.push(step);
      const next = this.#links.get(place.join('/'));
      if (next === undefined) continue;
      if ((hops += 1) > maximumHops) refuse('that turns in a circle');
      place.pop();
      way.unshift(...this.#stepsOf(next, refuse));
    }
  }

  #stepsOf(target: string, refuse: (text: string) => never): string[] {
    if (target.startsWith('/')) refuse('to an absolute path');
    if (target === '' || target.includes('\0')) refuse('to nothing');
    return target.split('/').filter((step) => step !== '' && step !== '.');
  }
}
