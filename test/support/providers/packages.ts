import { createDestinations } from '../../../activities/providers/repository/destinations.ts';
import { packageLimits } from '../../../activities/providers/repository/limits.ts';
import type { PackageLimits } from '../../../activities/providers/repository/limits.ts';
import { Packages } from '../../../activities/providers/repository/packages.ts';
import { createRepositories } from '../../../activities/providers/repository/registry.ts';
import type { RepositoryOptions } from '../../../activities/providers/repository/registry.ts';
import { PackageStore } from '../../../activities/providers/repository/store.ts';

export type PackagesWish = Partial<Omit<RepositoryOptions, 'dataDir'>> & {
  limits?: PackageLimits;
  cacheBytes?: number;
  /** Folders of hosts below which packages lie that come by their path. */
  roots?: readonly string[];
};

/** Packages kept below a folder, from servers on this machine. */
export function packagesIn(
  dataDir: string,
  { limits = packageLimits, cacheBytes, roots = ['/'], ...options }: PackagesWish = {},
): Packages {
  const store = new PackageStore(dataDir, limits, cacheBytes);
  const destinations = createDestinations({ allow: ['127.0.0.0/8', '::1'], own: [] });
  const trust = { ca: () => [], knownHosts: () => null };
  return new Packages({
    dataDir,
    store,
    repositories: createRepositories({ dataDir, destinations, ...trust, ...options }),
    roots,
  });
}
