import type { Config } from '../../kit/config.ts';
import type { Clouds } from './cloud/driver.ts';
import { createClouds } from './cloud/registry.ts';
import type { Monitoring } from './monitoring/driver.ts';
import { createMonitoring } from './monitoring/registry.ts';
import { PathPackages } from './repository/path.ts';
import { createRunners } from './runner/create.ts';
import type { Runners } from './runner/registry.ts';

/** The systems that a worker drives: what is not configured is left out, or null. */
export interface Providers {
  runners: Runners;
  packages: PathPackages;
  clouds: Clouds;
  monitoring: Monitoring | null;
}

export const createProviders = (config: Config): Providers => ({
  runners: createRunners(config),
  packages: new PathPackages(config.dataDir),
  clouds: createClouds(config),
  monitoring: createMonitoring(config),
});
