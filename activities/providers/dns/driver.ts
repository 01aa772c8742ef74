// The driver interface for DNS servers. A driver is one server with its keys. Records are seen as sets (all values of one
// name and type), as servers and resolvers see them; identity, creators and comments are Slipway's own.
import type { RecordSet, Soa } from '../../../kit/dns/types.ts';
import type { SetKey } from './errors.ts';

export type { SetKey };

export type ZoneKind = 'primary' | 'secondary';
/** `presigned`: signed elsewhere; the server holds no keys. */
export type ZoneDnssec = 'unsigned' | 'signed' | 'presigned';

export interface ZoneInfo {
  readonly name: string;
  readonly kind: ZoneKind;
  readonly dnssec: ZoneDnssec;
  /** Null if the server has not loaded the zone. */
  readonly serial: number | null;
}

/** A set as a server holds it. */
export interface ServerSet extends RecordSet {
  /** Values that are kept there but not served; always empty where the server cannot do that. */
  readonly disabled: readonly string[];
}

/** A whole zone, without the records that belong to the server (`isServerType`). */
export interface ZoneContents {
  readonly soa: Soa;
  readonly sets: readonly ServerSet[];
}

export interface SetChange extends SetKey {
  /** The set as last known; null: none. If the server holds another one, nothing is changed. */
  readonly before: ServerSet | null;
  /** Null: the set is removed. */
  readonly after: ServerSet | null;
}

export interface ChangeOutcome {
  /** The SOA serial afterwards. */
  readonly serial: number;
  /** `already`: the server held every set as wished, and was not written to. */
  readonly effect: 'changed' | 'already';
}

export interface NewZone {
  readonly name: string;
  readonly soa: Omit<Soa, 'serial'>;
  /** Seconds, of the SOA. */
  readonly soaTtl: number;
  /** With the NS set of the apex. */
  readonly sets: readonly ServerSet[];
}

export interface ServerCheck {
  /** Null if the server does not tell. */
  readonly version: string | null;
  readonly canCreateZones: boolean;
  /** In Slipway's words: what an administrator should know, such as unsigned updates; else empty. */
  readonly detail: string;
}

/** Every method throws DnsError only (errors.ts), without secrets. */
export interface DnsDriver {
  /** The server's name in Slipway. */
  readonly server: string;
  /** Whether disabled records stay on the server. */
  readonly keepsDisabled: boolean;
  /** Reaches the server by everything that is configured, and proves the keys. */
  check(): Promise<ServerCheck>;
  /** All zones; null where the server cannot list them. Serials may be of the last load. */
  zones(): Promise<readonly ZoneInfo[] | null>;
  /** One zone; throws DnsZoneMissingError. */
  zone(name: string): Promise<ZoneInfo>;
  soa(zone: string): Promise<Soa>;
  /** The whole zone as of one serial. */
  read(zone: string): Promise<ZoneContents>;
  /** The sets that exist among these, exactly as stored: no wildcard, no referral. */
  readSets(zone: string, keys: readonly SetKey[]): Promise<readonly ServerSet[]>;
  /**
   * Changes all sets at once, or nothing; no key twice. Reads them before (DnsSetsDifferError unless all are as `before`, or
   * all are as `after`) and after (DnsNotAppliedError). Callers hold the lock of the server.
   */
  change(zone: string, changes: readonly SetChange[]): Promise<ChangeOutcome>;
  /** Creates a zone with all its records or not at all; throws DnsZoneExistsError. Joins the server's catalog. */
  createZone(zone: NewZone): Promise<void>;
  /** Whether the zone can be created, or removed for good, here; why not, in Slipway's words. */
  removable(zone: string): Promise<true | string>;
  /** Removes a zone with its records and keys; without effect if it does not exist. */
  deleteZone(name: string): Promise<void>;
  /** A master file with all that the server serves (signatures where it gives them). */
  zoneFile(zone: string): Promise<string>;
  /** Whether ALIAS records are served. */
  servesAlias(): Promise<boolean>;
}
