// Addresses in record values. IPv6 is written as RFC 5952 has it.
import { isIPv4, isIPv6 } from 'node:net';
import { refuse } from './refusals.ts';

/** The octets of four decimal numbers without leading zeros. */
export function ipv4Octets(text: string): Uint8Array {
  if (!isIPv4(text)) refuse('ipv4_invalid');
  return Uint8Array.from(text.split('.'), Number);
}

export const ipv4Text = (octets: Uint8Array): string => octets.join('.');

/** The octets of an address in any form of RFC 4291, without zone id. */
export function ipv6Octets(text: string): Uint8Array {
  if (!isIPv6(text) || text.includes('%')) refuse('ipv6_invalid');
  const [head = '', tail] = text.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const between = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Uint8Array.from([...before, ...between, ...after].flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Octets(group);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** The first of the longest runs of zero groups, of two or more. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  let start = 0;
  groups.forEach((group, at) => {
    if (group !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  });
  return best;
}

export const isIpv4Mapped = (octets: Uint8Array): boolean =>
  octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff && octets[11] === 0xff;

export function ipv6Text(octets: Uint8Array): string {
  if (isIpv4Mapped(octets)) return `::ffff:${ipv4Text(octets.subarray(12))}`;
  const groups = Array.from({ length: 8 }, (_, at) => ((octets[at * 2] ?? 0) << 8) | (octets[at * 2 + 1] ?? 0));
  const { start, length } = longestZeros(groups);
  const hex = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
