// Reads trees and files from git's objects through one `git cat-file`. Nothing is checked out: no file of a repository gets
// a name on the worker's disk, and no filter, attribute, hook or submodule takes effect.
import { once } from 'node:events';
import { ByteReader } from '../archive-bytes.ts';
import { utf8Name } from '../names.ts';
import { InvalidPackageError } from '../refusal.ts';
import { unavailable } from '../../error.ts';
import { startGit } from './program.ts';

export interface TreeEntry {
  name: string;
  /** In octal, as in git: `100644`, `40000`, … */
  mode: string;
  id: string;
}

const idBytes = 20;
const longestHeader = 256;
const longestTree = 64 * 1024 * 1024;
const longestLink = 4096;

const broken = () => unavailable('git', 'the copy of the repository on the worker can not be read');

function parseTree(body: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const end = body.indexOf(0, space);
    if (space < 0 || end < 0 || end + idBytes >= body.length + 1) throw broken();
    const [mode, name] = [body.toString('latin1', at, space), utf8Name(body.subarray(space + 1, end))];
    entries.push({ mode, name, id: body.toString('hex', end + 1, end + 1 + idBytes) });
    at = end + 1 + idBytes;
  }
  return entries;
}

/** Objects of a bare repository, read sequentially. */
export class GitObjects {
  readonly #child: ReturnType<typeof startGit>;
  readonly #bytes: ByteReader;

  constructor(repository: string, signal: AbortSignal) {
    this.#child = startGit({ repository, args: ['cat-file', '--batch-command'], signal });
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', () => undefined);
    this.#child.stderr.resume();
    this.#bytes = new ByteReader(this.#child.stdout as AsyncIterable<Buffer>);
  }

  async #ask(lines: string): Promise<void> {
    if (!this.#child.stdin.write(lines)) await once(this.#child.stdin, 'drain');
  }

  /** Reads the kind and size that precede an object. */
  async #header(): Promise<{ kind: string; size: number }> {
    const line = await this.#bytes.line(longestHeader).catch(() => {
      throw broken();
    });
    const [, kind = '', size = ''] = line.split(' ');
    if (!/^\d+$/.test(size)) throw broken();
    return { kind, size: Number(size) };
  }

  /** The entries of a tree, or of the tree of a commit. */
  async tree(id: string): Promise<TreeEntry[]> {
    await this.#ask(`contents ${id}^{tree}\n`);
    const { kind, size } = await this.#header();
    if (kind !== 'tree') throw broken();
    if (size > longestTree)
      throw new InvalidPackageError('size', null, 'a folder of the repository has too many entries');
    const body = await this.#bytes.read(size);
    await this.#bytes.skip(1);
    return parseTree(body);
  }

  /** Sizes of these files, in bytes. */
  async sizes(ids: readonly string[]): Promise<number[]> {
    const asked = ids.length === 0 ? Promise.resolve() : this.#ask(ids.map((id) => `info ${id}\n`).join(''));
    const sizes: number[] = [];
    while (sizes.length < ids.length) sizes.push((await this.#header()).size);
    await asked;
    return sizes;
  }

  /** The bytes of a file; must be read to the end before the next request. */
  async *content(id: string): AsyncGenerator<Buffer, void> {
    await this.#ask(`contents ${id}\n`);
    const { size } = await this.#header();
    yield* this.#bytes.chunks(size);
    await this.#bytes.skip(1);
  }

  /** The target of a link. */
  async link(id: string): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of this.content(id)) {
      size += part.length;
      if (size > longestLink) throw new InvalidPackageError('link', null, 'a link of the repository is too long');
      parts.push(part);
    }
    return utf8Name(Buffer.concat(parts));
  }

  close(): void {
    this.#child.stdin.end();
  }
}
