// Where nothing of Slipway connects to, whatever people type or administrators configure: what hands out a machine's own
// credentials, and Slipway's own servers. Private networks are what an operations tool is for.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

export interface HostPort {
  host: string;
  port: number;
}

export type Lookup = (host: string) => Promise<{ address: string }[]>;

const versionOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** A list of addresses and CIDRs. */
export function blockList(entries: readonly string[]): { has(address: string): boolean } {
  const list = new BlockList();
  for (const entry of entries) {
    const [network = '', bits] = entry.split('/');
    if (bits === undefined) list.addAddress(network, versionOf(network));
    else list.addSubnet(network, Number(bits), versionOf(network));
  }
  return { has: (address) => list.check(address, versionOf(address)) };
}

/** Link-local, unspecified and multicast addresses, and the clouds' metadata services. */
const never = blockList([
  ...['169.254.0.0/16', '100.100.100.200', '168.63.129.16', '192.0.0.192', '0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254', '64:ff9b::/96', '2002::/16'],
]);

export const isNever = (address: string): boolean => isIP(address) === 0 || never.has(address);

export const lookupAll: Lookup = (host) => lookup(host, { all: true });

/** The addresses of a name, or the address itself. */
export async function addressesOf(host: string, find: Lookup = lookupAll): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await find(host)).map(({ address }) => address);
}

/** The addresses at which servers of this list listen on the port, as they are now. */
export async function listeningOn(
  servers: readonly HostPort[],
  port: number,
  find?: Lookup,
): Promise<{ has(address: string): boolean }> {
  const near = servers.filter((one) => one.port === port);
  const found = await Promise.all(near.map(({ host }) => addressesOf(host, find).catch((): string[] => [])));
  // One that listens on this machine is there under each of its loopback addresses.
  const own = found.flat();
  return blockList(own.some((address) => loopback.has(address)) ? [...own, ...loopbacks] : own);
}

const loopbacks = ['127.0.0.0/8', '::1'];
const loopback = blockList(loopbacks);
export const isThisMachine = (address: string): boolean => loopback.has(address);
