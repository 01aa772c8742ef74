// The one lookup of connections to addresses that somebody entered. The checked address is the one connected to, which
// rules out DNS rebinding.
import { lookup } from 'node:dns';
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isNever, literalAddress } from './addresses.ts';

/** Why an address must not be called; null: it may be. */
type Refusal = (address: string) => Error | null;

type Find = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

export const neverCalled = 'its address is link-local or a metadata service, which is never called';

const refusesNever: Refusal = (address) => (isNever(address) ? new Error(neverCalled) : null);

/**
 * The lookup for a socket to `host`; yields only the addresses that may be called, and fails when there are none. Throws for
 * a refused literal address, as sockets don't look those up.
 */
export function checkedLookup(host: string, refusal: Refusal = refusesNever, find: Find = lookup): LookupFunction {
  const literal = literalAddress(host);
  const refused = literal === null ? null : refusal(literal);
  if (refused) throw refused;
  return (hostname, options, callback) => {
    find(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '');
      const allowed = found.filter(({ address }) => refusal(address) === null);
      const [first] = allowed;
      const [reason] = found.map(({ address }) => refusal(address));
      if (!first) callback(reason ?? new Error('its name has no address'), '');
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
