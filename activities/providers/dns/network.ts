// How drivers reach their servers: the networks that administrators allow, and the limits of time and size.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { blockList } from '../../../kit/addresses.ts';
import type { DestinationRule, HostPort } from '../addresses.ts';

export interface DnsNetwork {
  /** Besides the addresses of kit/addresses.ts, which are never called. */
  allows: DestinationRule;
  /** PEM: the public authorities and the configured one; undefined: the public ones. */
  ca: string | undefined;
  /** Slipway's own servers, which are never called. */
  own: readonly HostPort[];
  limits: DnsLimits;
}

interface DnsLimits {
  connectMs: number;
  callMs: number;
  callBytes: number;
  /** For whole zones. */
  zoneMs: number;
  zoneBytes: number;
}

const dnsLimits: DnsLimits = {
  connectMs: 3_000,
  callMs: 15_000,
  callBytes: 16 * 2 ** 20,
  zoneMs: 60_000,
  zoneBytes: 64 * 2 ** 20,
};

interface DnsNetworkSettings {
  /** CIDRs; empty: all. */
  allowedNetworks: readonly string[];
  /** Adds an authority to the public ones. */
  caFile: string | undefined;
  own: readonly HostPort[];
}

/** The network of the settings. */
export function dnsNetwork({ allowedNetworks, caFile, own }: DnsNetworkSettings): DnsNetwork {
  const allowed = blockList(allowedNetworks);
  return {
    allows: (_host, address) => allowedNetworks.length === 0 || allowed.has(address),
    ca: caFile === undefined ? undefined : [...rootCertificates, readFileSync(caFile, 'utf8')].join('\n'),
    own,
    limits: dnsLimits,
  };
}
