// Checks whether links make a deploy path overlap another application's. The database has paths as entered; only the host
// can resolve them.
import { posix } from 'node:path';
import { otherPlaces } from '../../db/deploy/places.ts';
import type { ActivityDeps } from '../deps.ts';
import type { RealPath } from '../providers/runner/driver.ts';
import type { StepWork } from '../tasks/run-step.ts';

const plain = (path: string): string => posix.normalize(`${path}/`).slice(0, -1);

/** The path and its parent folders, nearest first, without the root. */
function upward(path: string): string[] {
  const folder = posix.dirname(path);
  return path === '/' ? [] : [path, ...upward(folder)];
}

/** Resolves the existing part of a path, and appends the rest. */
function realOf(path: string, known: ReadonlyMap<string, RealPath>): string {
  for (const folder of upward(path)) {
    const real = known.get(folder);
    if (real?.kind === 'path') return posix.join(real.path, path.slice(folder.length));
  }
  return path;
}

const holds = (folder: string, path: string): boolean => `${path}/`.startsWith(`${folder}/`);

/** Returns why the application must not be deployed to its real path on the host; null: it may. */
export async function foreignPlace({ db }: ActivityDeps, { runner, host, row }: StepWork): Promise<string | null> {
  const others = await otherPlaces(db, row.instanceId);
  if (others.length === 0) return null;
  const all = [row.setup.deployPath, ...others].map(plain);
  const folders = [...new Set(all.flatMap(upward))];
  const found = await runner.realPaths(host, folders);
  const known = new Map(folders.map((folder, index) => [folder, found[index] ?? { kind: 'absent' as const }]));
  const [mine = '', ...theirs] = all.map((path) => realOf(path, known));
  if (!theirs.some((path) => holds(path, mine) || holds(mine, path))) return null;
  return 'the deploy path leads by a link of the host to where another application is deployed';
}
