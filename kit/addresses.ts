// The one list of addresses that Slipway never connects to, whatever users or administrators configure: link-local,
// unspecified and multicast ones, and those that hand out a machine's credentials. Private networks are allowed. IPv4 inside
// IPv6 counts as IPv4, in every notation.
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

const versionOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Without the zone of a link-local address. */
const withoutZone = (address: string): string => address.replace(/%.*$/, '');

/** A list of addresses and CIDRs. */
export function blockList(entries: readonly string[]): { has(address: string): boolean } {
  const list = new BlockList();
  for (const entry of entries) {
    const [network = '', bits] = entry.split('/');
    if (bits === undefined) list.addAddress(network, versionOf(network));
    else list.addSubnet(network, Number(bits), versionOf(network));
  }
  return { has: (address) => list.check(withoutZone(address), versionOf(address)) };
}

const never = blockList([
  '169.254.0.0/16',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '0.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254',
  '64:ff9b::/96',
  '2002::/16',
]);

/** Whether an address is forbidden; also true for invalid addresses. */
export const isNever = (address: string): boolean => isIP(address) === 0 || never.has(address);

/** The address in a URL's host; null for a name. URL has already normalised other notations (decimal, hex). */
export function literalAddress(hostname: string): string | null {
  const address = hostname.replace(/^\[|\]$/g, '');
  return isIP(address) === 0 ? null : address;
}

/** Whether a host is a forbidden address; names can only be checked at resolution. */
export function isNeverHost(hostname: string): boolean {
  const address = literalAddress(hostname);
  return address !== null && isNever(address);
}

const privateNetworks = blockList([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1',
  'fc00::/7',
]);

/** Whether an address is of a private network, the only ones to which passwords may go in the clear. */
export const isPrivate = (address: string): boolean => !isNever(address) && privateNetworks.has(address);

export const loopbacks: readonly string[] = ['127.0.0.0/8', '::1'];
const loopback = blockList(loopbacks);
export const isLoopback = (address: string): boolean => loopback.has(address);

/** Whether an address leads to the machine of this process: its loopback, or an address of its interfaces. */
export function isThisMachine(address: string): boolean {
  if (isLoopback(address)) return true;
  const own = Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map((one) => one.address));
  return blockList(own.map(withoutZone)).has(address);
}
