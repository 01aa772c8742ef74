import { Context } from '@temporalio/activity';
import { adopt } from '../../db/host-imports/adopt.ts';
import { compare, keepFindings, keepSourceError, settle } from '../../db/host-imports/findings.ts';
import { osStatuses } from '../../workflows/hosts/contract.ts';
import type { OsStatus } from '../../workflows/hosts/contract.ts';
import type { Found, Source } from '../../workflows/host-imports/contract.ts';
import type { ImportActivities } from '../../workflows/host-imports/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import type { Machine } from '../providers/cloud/driver.ts';
import { ProviderError, refused } from '../providers/error.ts';
import { minionsOf } from '../providers/runner/minions.ts';
import type { Minion } from '../providers/runner/minions.ts';

/** Attempts at an unreachable source before the import skips it. */
const patience = 5;

const isOsStatus = (state: string): state is OsStatus => (osStatuses as readonly string[]).includes(state);

const ofMachine = (hostType: Exclude<Source, 'SALT'>, machine: Machine): Found => ({
  hostType,
  key: machine.place.id,
  providerId: machine.place.id,
  account: machine.place.account,
  region: machine.place.region,
  name: machine.name,
  osStatus: isOsStatus(machine.state) ? machine.state : null,
  osType: machine.osType.slice(0, 64),
  cpu: machine.cpu,
  memory: machine.memory,
  location: machine.location.slice(0, 128),
  addresses: machine.addresses.slice(0, 64).map(({ address, addrType }) => ({ address, addr_type: addrType })),
  minionId: null,
});

const ofMinion = ({ id, addresses, cpu, memory, osType }: Minion): Found => ({
  hostType: 'PHY_HOST',
  key: id,
  providerId: null,
  account: '',
  region: '',
  name: id,
  osStatus: null,
  osType: osType.slice(0, 64),
  cpu,
  memory,
  location: '',
  minionId: id,
  addresses: addresses.slice(0, 64).map((address) => ({ address, addr_type: 'PRIVATE' })),
});

async function* pagesOf({ clouds, runners }: ActivityDeps, source: Source): AsyncIterable<Found[]> {
  if (source === 'SALT') {
    const directory = minionsOf(runners);
    if (!directory) throw refused('salt', 'the minions of Salt cannot be listed by this worker');
    for await (const page of directory.minions()) yield page.map(ofMinion);
    return;
  }
  const cloud = clouds[source];
  if (!cloud) throw refused(source, `${source} is not configured on this worker`);
  for await (const page of cloud.list()) yield page.map((machine) => ofMachine(source, machine));
}

/** The activities of host imports. */
export function createImportActivities(deps: ActivityDeps): ImportActivities {
  const { db } = deps;
  return {
    async discoverHosts({ importId, source }) {
      try {
        for await (const page of pagesOf(deps, source)) await keepFindings(db, importId, source, page);
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        if (error.kind === 'unavailable' && Context.current().info.attempt < patience) throw error;
        await keepSourceError(db, importId, source, error.message);
      }
    },
    compareFindings: ({ importId }) => compare(db, importId),
    adoptHosts: ({ importId, all, actor }) => adopt(db, importId, all, actor),
    settleImport: ({ importId, error }) => settle(db, importId, error),
  };
}
