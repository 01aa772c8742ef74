// Packages from bytes: normalised as a worker does, unpacked as a host does.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageLimits } from '../../../activities/providers/repository/limits.ts';
import type { PackageLimits } from '../../../activities/providers/repository/limits.ts';
import { inspectPackage } from '../../../activities/providers/repository/package.ts';
import { InvalidPackageError } from '../../../activities/providers/repository/refusal.ts';
import { PackageStore } from '../../../activities/providers/repository/store.ts';
import type { Item } from './archives.ts';

/** A folder and a store for the tests of a file, removed after them. */
export function workbench() {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-package-'));
  const store = new PackageStore(folder);
  let made = 0;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function write(bytes: Buffer): { file: string; sha256: string } {
    const file = join(folder, `source-${(made += 1)}`);
    writeFileSync(file, bytes);
    return { file, sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  async function refusalOf(name: string, bytes: Buffer, limits: PackageLimits = packageLimits) {
    const { file } = write(bytes);
    const caught: unknown = await inspectPackage(file, name, limits).catch((error: unknown) => error);
    if (!(caught instanceof InvalidPackageError)) throw new Error(`not refused: ${JSON.stringify(caught)}`);
    expect(caught).toMatchObject({ kind: 'refused', provider: 'package' });
    return caught;
  }

  /** Normalises and unpacks with the system's tar, as a host does. */
  async function unpack(name: string, bytes: Buffer) {
    const { file, sha256 } = write(bytes);
    const kept = await store.normalise(file, name, sha256);
    const target = mkdtempSync(join(folder, 'out-'));
    execFileSync('tar', ['-xpf', kept.tarPath, '-C', target], { stdio: ['ignore', 'ignore', 'inherit'] });
    return { made: kept, target };
  }

  const link = (path: string, linkpath: string): Item => ({ path, type: 'SymbolicLink', linkpath });
  return { folder, store, write, refusalOf, unpack, link };
}
