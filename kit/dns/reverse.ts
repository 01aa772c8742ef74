// Names of reverse lookups: `in-addr.arpa` (RFC 1035) and `ip6.arpa` (RFC 3596), and the zones of networks.
import { isIP } from 'node:net';
import { ipv4Octets, ipv4Text, ipv6Octets, ipv6Text } from './addresses.ts';
import { hexOf } from './octets.ts';
import { refuse } from './refusals.ts';

const octetsOf = (address: string): Uint8Array => (isIP(address) === 4 ? ipv4Octets(address) : ipv6Octets(address));

/** The labels of an address, the most significant first: octets of IPv4, nibbles of IPv6. */
const labelsOf = (octets: Uint8Array): string[] =>
  octets.length === 4 ? Array.from(octets, String) : [...hexOf(octets)];

const suffix = (octets: Uint8Array): string => (octets.length === 4 ? 'in-addr.arpa' : 'ip6.arpa');

/** The owner of an address's PTR record. */
export function ptrName(address: string): string {
  const octets = octetsOf(address);
  return [...labelsOf(octets).reverse(), suffix(octets)].join('.');
}

/** The address whose PTR record has a name; undefined for any other name. */
export function ptrAddress(name: string): string | undefined {
  const [, ipv4] = /^((?:(?:0|[1-9][0-9]{0,2})\.){4})in-addr\.arpa$/.exec(name) ?? [];
  if (ipv4 !== undefined) {
    const octets = ipv4.split('.').slice(0, 4).reverse().map(Number);
    return octets.every((octet) => octet <= 255) ? ipv4Text(Uint8Array.from(octets)) : undefined;
  }
  const [, nibbles] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? [];
  if (nibbles === undefined) return undefined;
  return ipv6Text(Uint8Array.from(Buffer.from(nibbles.split('.').reverse().join(''), 'hex')));
}

interface Network {
  /** The first address. */
  readonly octets: Uint8Array;
  /** Bits of the prefix. */
  readonly bits: number;
}

/** An address or a CIDR; bits after the prefix are cleared. */
export function networkOf(text: string): Network {
  const [address = '', prefix, ...more] = text.split('/');
  if (isIP(address) === 0 || address.includes('%') || more.length > 0) return refuse('network_invalid');
  const octets = octetsOf(address);
  const most = octets.length * 8;
  if (prefix !== undefined && (!/^(?:0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > most))
    return refuse('network_invalid');
  const bits = prefix === undefined ? most : Number(prefix);
  return { octets: octets.map((octet, at) => octet & mask(bits - at * 8)), bits };
}

/** The mask of one octet of which `bits` count. */
const mask = (bits: number): number => (bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff);

/** Whether an address lies in a network. */
export function isInNetwork(address: string, { octets, bits }: Network): boolean {
  if (isIP(address) === 0) return false;
  const other = octetsOf(address);
  return (
    other.length === octets.length && octets.every((octet, at) => octet === ((other[at] ?? 0) & mask(bits - at * 8)))
  );
}

/**
 * The reverse zones that hold a network's addresses and as few others as label boundaries allow: one, or for a prefix inside
 * a label one of each value (at most 128 of IPv4, 8 of IPv6). A prefix longer than /24 is in the zone of its /24.
 */
export function reverseZones({ octets, bits }: Network): string[] {
  const size = octets.length === 4 ? 8 : 4;
  const labels = labelsOf(octets);
  const whole = Math.min(Math.floor(bits / size), labels.length - 1);
  const zone = (some: readonly string[]): string => [...some.toReversed(), suffix(octets)].join('.');
  const spare = bits - whole * size;
  if (spare === 0 || whole === labels.length - 1) return [zone(labels.slice(0, whole))];
  const first = parseInt(labels[whole] ?? '0', size === 8 ? 10 : 16);
  return Array.from({ length: 2 ** (size - spare) }, (_, at) =>
    zone([...labels.slice(0, whole), (first + at).toString(size === 8 ? 10 : 16)]),
  );
}
