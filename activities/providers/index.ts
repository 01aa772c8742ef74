import type { RatePacer } from '../../db/coordination/rate-pacer.ts';
import type { Config } from '../../kit/config/config.ts';
import type { Clouds } from './cloud/driver.ts';
import { createClouds } from './cloud/registry.ts';
import type { Monitoring } from './monitoring/driver.ts';
import { createMonitoring } from './monitoring/registry.ts';
import { configuredPackages } from './repository/configured.ts';
import type { HostPort } from './addresses.ts';
import { packageLimits } from './repository/limits.ts';
import type { Packages } from './repository/packages.ts';
import { PackageStore } from './repository/store.ts';
import { createMinionKeys, createRunners } from './runner/create.ts';
import type { MinionKeys } from './runner/minions.ts';
import type { Runners } from './runner/registry.ts';

/** The external systems of a worker; those not configured are absent, or null. */
export interface Providers {
  runners: Runners;
  /** Set if minions are installed over SSH. */
  minionKeys: MinionKeys | null;
  packages: Packages;
  /** The cache of `packages`. */
  packageStore: PackageStore;
  clouds: Clouds;
  monitoring: Monitoring | null;
}

/**
 * `own` are Slipway's own servers, which addresses entered by users must not reach; `turns` paces calls to providers over
 * all workers.
 */
export function createProviders(config: Config, own: readonly HostPort[] = [], turns?: RatePacer): Providers {
  const limits = { ...packageLimits, linkTargets: config.linkTargets };
  const packageStore = new PackageStore(config.dataDir, limits, config.packageCacheBytes);
  return {
    runners: createRunners(config),
    minionKeys: createMinionKeys(config),
    packages: configuredPackages(config, own, packageStore),
    packageStore,
    clouds: createClouds(config, turns && { turns }),
    monitoring: createMonitoring(config),
  };
}
