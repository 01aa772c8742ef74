// What every part of DNS agrees on: record types, record sets and their canonical form. Names are lower case, A-labels,
// without the trailing dot (the root is `.`); odd octets of names that servers hold are escaped as in RFC 1035. A value is in
// the form of the API: target names like owner names, TXT unquoted where that can be sent back.

/** Types that people make and change, with their numbers on the wire; ALIAS is PowerDNS's own. */
export const recordTypeNumbers = {
  A: 1,
  NS: 2,
  CNAME: 5,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  SSHFP: 44,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  CAA: 257,
  ALIAS: 65401,
} as const;

export type RecordType = keyof typeof recordTypeNumbers;

export const recordTypes = Object.keys(recordTypeNumbers) as readonly RecordType[];

export const isRecordType = (type: string): type is RecordType => Object.hasOwn(recordTypeNumbers, type);

/** Records that belong to the server: never rows, never compared. */
export const isServerType = (type: string): boolean =>
  /^(?:SOA|DNSKEY|RRSIG|NSEC|NSEC3|NSEC3PARAM|CDS|CDNSKEY|TYPE65534)$/.test(type);

/** A mnemonic in capitals, or `TYPE<n>`: a RecordType, or one that is shown and deleted only (LOC, URI, TYPE65280). */
export type AnyRecordType = RecordType | (string & {});

/** All records of one name and type as resolvers see them. Values are canonical and in no particular order. */
export interface RecordSet {
  readonly name: string;
  readonly type: AnyRecordType;
  /** Seconds. */
  readonly ttl: number;
  readonly values: readonly string[];
}

/** One record; a disabled one counts for duplicates and is not served. */
export interface DnsRecord {
  readonly name: string;
  readonly type: AnyRecordType;
  /** Seconds. */
  readonly ttl: number;
  readonly value: string;
  readonly enabled: boolean;
}

/** The SOA record; `rname` is a domain name (the mailbox form is `mailboxOf` of soa.ts). */
export interface Soa {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export const maximalTtl = 604_800;
