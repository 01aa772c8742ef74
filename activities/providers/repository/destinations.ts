// Which servers packages may come from. People type these addresses, so a worker must not be led to itself or to where
// nothing of Slipway connects to. A name is resolved once, its addresses are checked, and the connection is made to the
// address that was checked: a name can't change its mind in between.
import { isNever } from '../../../kit/addresses.ts';
import { addressesOf, destinationRule, listeningOn, lookupAll } from '../addresses.ts';
import type { HostPort, Lookup } from '../addresses.ts';
import { refused, unavailable } from '../error.ts';

/** Resolves a host and port to the one IP address to connect to; throws ProviderError when that may not be. */
export type Destinations = (provider: string, at: HostPort) => Promise<string>;

export interface DestinationOptions {
  /** Host names (`*.example.com` for those below), addresses and CIDRs; none: everything but this machine. */
  allow: readonly string[];
  /** Slipway's own servers. */
  own: readonly HostPort[];
  lookup?: Lookup;
}

export function createDestinations({ allow, own, lookup = lookupAll }: DestinationOptions): Destinations {
  const isAllowed = destinationRule(allow);
  return async (provider, { host, port }) => {
    const addresses = await addressesOf(host.toLowerCase(), lookup).catch(() => {
      throw unavailable(provider, `the name ${host} can't be resolved`);
    });
    const refusal = refused(provider, `${host} is not a server that packages may come from (SLIPWAY_REPOSITORY_ALLOW)`);
    if (addresses.some(isNever)) throw refusal;
    const address = addresses.find((one) => isAllowed(host, one));
    if (address === undefined || (await listeningOn(own, port, lookup)).has(address)) throw refusal;
    return address;
  };
}
