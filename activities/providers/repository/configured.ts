import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import type { Config } from '../../../kit/config/config.ts';
import { createDestinations } from './destinations.ts';
import type { HostPort } from '../addresses.ts';
import { Packages } from './packages.ts';
import { createRepositories } from './registry.ts';
import type { PackageStore } from './store.ts';

/** Packages as configured. Key and certificate files are read at each use, so changes need no restart. */
export function configuredPackages(config: Config, own: readonly HostPort[], store: PackageStore): Packages {
  const { dataDir, repositoryAllow: allow, repositoryKnownHosts: hosts, repositoryCaFile: caFile } = config;
  const knownHosts = () => (hosts === undefined ? null : readFileSync(hosts, 'utf8'));
  const ca = () => [...getCACertificates('default'), ...(caFile === undefined ? [] : [readFileSync(caFile, 'utf8')])];
  const destinations = createDestinations({ allow, own });
  const repositories = createRepositories({ dataDir, destinations, ca, knownHosts });
  return new Packages({ dataDir, store, repositories, roots: config.hostRules.roots.package });
}
