// Destination rules for addresses entered by users (packages, health checks): never the addresses in kit/addresses.ts or
// Slipway's own servers, and the worker's own machine only if an administrator allows it.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { blockList, isLoopback, isThisMachine, loopbacks } from '../../kit/addresses.ts';

export interface HostPort {
  host: string;
  port: number;
}

export type Lookup = (host: string) => Promise<{ address: string }[]>;

export const lookupAll: Lookup = (host) => lookup(host, { all: true });

/** Resolves a name to its addresses; an address resolves to itself. */
export async function addressesOf(host: string, find: Lookup = lookupAll): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await find(host)).map(({ address }) => address);
}

/** The present addresses at which servers of this list listen on the port. */
export async function listeningOn(
  servers: readonly HostPort[],
  port: number,
  find?: Lookup,
): Promise<{ has(address: string): boolean }> {
  const near = servers.filter((one) => one.port === port);
  const found = await Promise.all(near.map(({ host }) => addressesOf(host, find).catch((): string[] => [])));
  // A server on this machine is reachable at each of its loopback addresses.
  const own = found.flat();
  return blockList(own.some(isLoopback) ? [...own, ...loopbacks] : own);
}

/** Whether a host may be called at this one of its addresses. */
export type DestinationRule = (host: string, address: string) => boolean;

/**
 * The rule for a list of host names (`*.example.com` for those below), addresses and CIDRs; empty: everything except this
 * process's machine.
 */
export function destinationRule(allow: readonly string[]): DestinationRule {
  if (allow.length === 0) return (_host, address) => !isThisMachine(address);
  const networks = allow.filter((entry) => isIP(entry.split('/')[0] ?? '') !== 0);
  const names = allow.filter((entry) => !networks.includes(entry)).map((entry) => entry.toLowerCase());
  const allowed = blockList(networks);
  const isNamed = (host: string): boolean =>
    names.some((name) => (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name));
  return (host, address) => isNamed(host.toLowerCase()) || allowed.has(address);
}
