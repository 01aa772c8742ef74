import type { DirectoryEntry, FileStat } from '../../runner/driver.ts';
import { byName } from '../driver.ts';
import type { Files } from '../driver.ts';
import { InvalidPackageError } from '../refusal.ts';
import type { GitObjects, TreeEntry } from './objects.ts';

const folderMode = '40000';
const linkMode = '120000';
const submoduleMode = '160000';
const isFile = (mode: string): boolean => mode.startsWith('100');

const pointer = 'version https://git-lfs.github.com/spec/';
const longestPointer = 1024;

/** Refuses submodules, and entries that would form another checkout's repository. */
function checkEntry({ name, mode }: TreeEntry): void {
  if (mode === submoduleMode) throw new InvalidPackageError('special', name, 'a submodule, which is not followed');
  if (/^\.git$/i.test(name)) throw new InvalidPackageError('path', name, 'a repository inside the repository');
}

function entryOf({ name, mode }: TreeEntry, size: number, target: string | null): DirectoryEntry {
  const kind = mode === folderMode ? 'directory' : isFile(mode) ? 'file' : mode === linkMode ? 'link' : 'other';
  return { name, kind, size, mode: kind === 'directory' || mode === '100755' ? 0o755 : 0o644, target };
}

/** The files of a commit. A source that is a link, or lies behind one, is refused. */
export class TreeFiles implements Files {
  readonly #objects: GitObjects;
  readonly #commit: string;
  readonly #most: number;
  readonly #trees = new Map<string, TreeEntry[]>();
  #seen = 0;

  /** `most` limits the entries of all folders together. */
  constructor(objects: GitObjects, commit: string, most: number) {
    this.#objects = objects;
    this.#commit = commit;
    this.#most = most;
  }

  async stat(path: string): Promise<FileStat> {
    const found = await this.#find(path);
    if (!found) return { kind: 'absent', size: 0 };
    const { kind } = entryOf(found, 0, null);
    if (kind !== 'file') return { kind: kind === 'directory' ? 'directory' : 'other', size: 0 };
    const [size = 0] = await this.#objects.sizes([found.id]);
    return { kind, size };
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    const found = await this.#treeOf((await this.#existing(path)).id);
    found.forEach(checkEntry);
    const files = found.filter(({ mode }) => isFile(mode));
    const sizes = await this.#objects.sizes(files.map(({ id }) => id));
    const sizeOf = new Map(files.map((file, index) => [file, sizes[index] ?? 0]));
    const entries: DirectoryEntry[] = [];
    for (const one of found) {
      const target = one.mode === linkMode ? await this.#objects.link(one.id) : null;
      entries.push(entryOf(one, sizeOf.get(one) ?? 0, target));
    }
    return entries.sort(byName);
  }

  async *content(path: string, size: number): AsyncGenerator<Buffer, void> {
    const { id } = await this.#existing(path);
    for await (const chunk of this.#objects.content(id)) {
      if (size < longestPointer && chunk.toString('latin1', 0, pointer.length) === pointer) {
        throw new InvalidPackageError('special', path, 'is kept by Git LFS, which is not followed');
      }
      yield chunk;
    }
  }

  async #treeOf(id: string): Promise<TreeEntry[]> {
    const known = this.#trees.get(id);
    if (known) return known;
    const found = await this.#objects.tree(id);
    this.#seen += found.length;
    if (this.#seen > this.#most) throw new InvalidPackageError('size', null, `more than ${this.#most} entries`);
    this.#trees.set(id, found);
    return found;
  }

  async #find(path: string): Promise<TreeEntry | null> {
    let at: TreeEntry = { name: '', mode: folderMode, id: this.#commit };
    for (const part of path.split('/').filter((one) => one !== '' && one !== '.')) {
      const next = at.mode === folderMode ? (await this.#treeOf(at.id)).find(({ name }) => name === part) : undefined;
      if (!next) return null;
      checkEntry(next);
      at = next;
    }
    return at;
  }

  async #existing(path: string): Promise<TreeEntry> {
    const found = await this.#find(path);
    if (!found) throw new InvalidPackageError('missing', path, 'is not in the branch');
    return found;
  }
}
