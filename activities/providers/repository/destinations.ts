// Which servers packages may come from. Users enter these addresses, so they must not reach the worker itself or forbidden
// networks. A name is resolved once, checked, and connected to by the checked address, which rules out DNS rebinding.
import { isNever } from '../../../kit/addresses.ts';
import { addressesOf, destinationRule, listeningOn, lookupAll } from '../addresses.ts';
import type { HostPort, Lookup } from '../addresses.ts';
import { refused, unavailable } from '../error.ts';

/** Resolves a host and port to the one IP address to connect to; throws ProviderError when it is not allowed. */
export type Destinations = (provider: string, at: HostPort) => Promise<string>;

interface DestinationOptions {
  /** Host names (`*.example.com` for those below), addresses and CIDRs; empty: everything except this machine. */
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
