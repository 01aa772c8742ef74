import { join } from 'node:path';
import { localHostFolder } from '../kit/host-path.ts';
import { ownEstate } from '../test/support/deploy/processes.ts';
import { makeEstate, packagePath, placePackage } from '../test/support/world.ts';
import type { Scenario } from './scenario.ts';

/** One application on this many local hosts. */
export async function localScenario(hosts: number): Promise<Scenario> {
  const site = await ownEstate();
  return {
    site,
    victims: ['worker', 'api', 'temporal', 'postgres'],
    spanMs: 6_000,
    kill: (victim) => Promise.reject(new Error(`there is no ${victim}`)),
    async application(version) {
      const estate = await makeEstate(site, hosts);
      await placePackage(site, estate, version);
      const deployPath = (hostname: string): string => join(localHostFolder(site.config.dataDir, hostname), '/srv/web');
      return { estate, packageSource: packagePath(version), deployPath };
    },
    close: () => site.close(),
  };
}
