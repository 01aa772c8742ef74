// Which servers packages may come from. People type these addresses, so a worker must not be led to itself, to the clouds'
// metadata services, or to Slipway's own database and engine. A name is resolved once, its addresses are checked, and the
// connection is made to the address that was checked: a name can't change its mind in between.
import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { refused, unavailable } from '../error.ts';

export interface HostPort {
  host: string;
  port: number;
}

/** Resolves a host and port to the one IP address to connect to; throws ProviderError when that may not be. */
export type Destinations = (provider: string, at: HostPort) => Promise<string>;

type Lookup = (host: string) => Promise<{ address: string }[]>;

export interface DestinationOptions {
  /** Host names (`*.example.com` for those below), addresses and CIDRs; none: everything but this machine. */
  allow: readonly string[];
  /** Slipway's own servers. */
  own: readonly HostPort[];
  lookup?: Lookup;
}

const versions = { 4: 'ipv4', 6: 'ipv6' } as const;
const versionOf = (address: string) => versions[isIP(address) === 6 ? 6 : 4];

function blockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [network = '', bits] = entry.split('/');
    if (bits === undefined) list.addAddress(network, versionOf(network));
    else list.addSubnet(network, Number(bits), versionOf(network));
  }
  return list;
}

/** Link-local, unspecified and multicast addresses, and the clouds' metadata services; whatever is allowed. */
const never = blockList([
  ...['169.254.0.0/16', '100.100.100.200', '168.63.129.16', '192.0.0.192', '0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254', '64:ff9b::/96', '2002::/16'],
]);
const thisMachine = blockList(['127.0.0.0/8', '::1']);

const allOf: Lookup = (host) => systemLookup(host, { all: true });

export function createDestinations({ allow, own, lookup = allOf }: DestinationOptions): Destinations {
  const networks = allow.filter((entry) => isIP(entry.split('/')[0] ?? '') !== 0);
  const names = allow.filter((entry) => !networks.includes(entry)).map((entry) => entry.toLowerCase());
  const allowed = blockList(networks);
  const isNamed = (host: string): boolean =>
    names.some((name) => (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name));
  const isAllowed = (host: string, address: string): boolean =>
    allow.length === 0
      ? !thisMachine.check(address, versionOf(address))
      : isNamed(host) || allowed.check(address, versionOf(address));

  const addressesOf = async (host: string): Promise<string[]> => {
    if (isIP(host) !== 0) return [host];
    return (await lookup(host)).map(({ address }) => address);
  };
  const isOwn = async (address: string, port: number): Promise<boolean> => {
    const near = own.filter((one) => one.port === port);
    const found = await Promise.all(near.map(({ host }) => addressesOf(host).catch((): string[] => [])));
    return found.flat().includes(address);
  };

  return async (provider, { host, port }) => {
    const addresses = await addressesOf(host.toLowerCase()).catch(() => {
      throw unavailable(provider, `the name ${host} can't be resolved`);
    });
    const refusal = refused(provider, `${host} is not a server that packages may come from (SLIPWAY_REPOSITORY_ALLOW)`);
    if (addresses.some((address) => never.check(address, versionOf(address)))) throw refusal;
    const address = addresses.find((one) => isAllowed(host.toLowerCase(), one));
    if (address === undefined || (await isOwn(address, port))) throw refusal;
    return address;
  };
}
