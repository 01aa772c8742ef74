import type { TsigAlgorithm } from './wire/tsig.ts';

/** What a server's row says, with its secrets in clear text: they must stay in the driver. */
export interface PowerDnsAccess {
  type: 'powerdns';
  /** The server's name in Slipway, for messages. */
  server: string;
  /** `http://` or `https://`, with a proxy's prefix. */
  endpoint: string;
  apiKey: string;
  serverId: string;
  zoneKind: 'Native' | 'Master';
  catalog: string | null;
}

export interface SharedKey {
  name: string;
  algorithm: TsigAlgorithm;
  /** Base64. */
  secret: string;
}

/** How a primary zone comes into being on BIND. */
type ZoneSeed = { from: 'transfer' } | { from: 'initial_file'; file: string } | { from: 'existing_file' };

export interface BindAccess {
  type: 'bind';
  server: string;
  /** `dns://host[:port]`, or the statistics channel's `http(s)://host:port/`. */
  endpoint: string;
  /** Null: that of a `dns://` endpoint, else 53. */
  dnsPort: number | null;
  tsig: SharedKey | null;
  view: string | null;
  rndcPort: number;
  /** Null: zones are adopted, not created. */
  rndc: SharedKey | null;
  zoneSeed: ZoneSeed;
  /** Contains `{zone}`. */
  zoneFilePattern: string;
  catalog: string | null;
}

export type DnsAccess = PowerDnsAccess | BindAccess;
