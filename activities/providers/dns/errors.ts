// What DNS servers do wrong or refuse. Every message names the server and says in Slipway's words what to do; it has no secret,
// and of a remote body only what `remoteWords` lets through.
import { ProviderError } from '../error.ts';
import type { ProviderErrorKind } from '../error.ts';

const mostCharacters = 200;

/** At most 200 printable ASCII characters of a server's own words, without what looks like a secret of ours. */
export function remoteWords(text: string, secrets: readonly string[] = []): string {
  const kept = secrets.reduce((left, secret) => (secret === '' ? left : left.replaceAll(secret, '[hidden]')), text);
  return kept
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, mostCharacters);
}

/** Common to all of them. `untouched`: the server has certainly changed nothing. */
export class DnsError extends ProviderError {
  /** The server's name in Slipway. */
  readonly server: string;
  readonly reason: string;

  constructor(kind: ProviderErrorKind, server: string, reason: string, untouched = false) {
    super(kind, 'dns', `${server}: ${reason}`, null, untouched);
    this.name = new.target.name;
    this.server = server;
    this.reason = reason;
  }
}

/** No connection: name not resolved, refused, no route, TLS not verified. */
export class DnsUnreachableError extends DnsError {
  constructor(server: string, reason: string) {
    super('unavailable', server, reason, true);
  }
}

/** The address is one that Slipway does not call. What was resolved is not told. */
export class DnsAddressError extends DnsError {
  constructor(server: string) {
    super('refused', server, 'its address is not allowed', true);
  }
}

/** The server refuses our key, or proves to have another. */
export class DnsKeyError extends DnsError {
  constructor(server: string, reason: string) {
    super('unavailable', server, reason, true);
  }
}

/** The clocks differ by more than signatures allow. */
export class DnsClockError extends DnsKeyError {
  /** Seconds by which the server's clock is ahead of ours; null: it did not say. */
  readonly aheadSeconds: number | null;

  constructor(server: string, aheadSeconds: number | null) {
    const by =
      aheadSeconds === null ? 'differs' : `is ${Math.abs(aheadSeconds)} s ${aheadSeconds < 0 ? 'behind' : 'ahead of'}`;
    super(server, `its clock ${by}${aheadSeconds === null ? ' from' : ''} Slipway's; set the clocks of both`);
    this.aheadSeconds = aheadSeconds;
  }
}

/** No whole answer in time, also a slow drip; whether a change took effect is unknown. */
export class DnsTimeoutError extends DnsError {
  constructor(server: string, seconds: number, untouched = false) {
    super('unavailable', server, `no whole answer within ${seconds} s`, untouched);
  }
}

/** The answer is cut off, contradicts itself or the request, or is not of the protocol. */
export class DnsAnswerError extends DnsError {
  constructor(server: string, reason: string) {
    super('unavailable', server, reason);
  }
}

/** The answer exceeds what Slipway reads. */
export class DnsAnswerTooLongError extends DnsError {
  constructor(server: string, limitBytes: number) {
    super('refused', server, `its answer is longer than ${limitBytes / 2 ** 20} MiB`);
  }
}

/** The server failed: SERVFAIL, HTTP 5xx. */
export class DnsServerFailedError extends DnsError {
  constructor(server: string, reason: string) {
    super('unavailable', server, reason);
  }
}

/** The server refuses the change: REFUSED and such, HTTP 422. */
export class DnsRefusedError extends DnsError {
  constructor(server: string, reason: string) {
    super('refused', server, reason, true);
  }
}

/** The server does not have the zone: NOTAUTH without a TSIG error, HTTP 404. */
export class DnsZoneMissingError extends DnsError {
  readonly zone: string;

  constructor(server: string, zone: string, reason = `it does not have the zone ${zone}`) {
    super('refused', server, reason, true);
    this.zone = zone;
  }
}

export class DnsZoneExistsError extends DnsError {
  constructor(server: string, zone: string) {
    super('refused', server, `it has the zone ${zone} already`, true);
  }
}

/** Zones cannot be created, or this one not removed, there. */
export class DnsZonesFixedError extends DnsError {
  constructor(server: string, reason: string) {
    super('refused', server, reason, true);
  }
}

/** Name and type of a set. */
export interface SetKey {
  readonly name: string;
  readonly type: string;
}

const listed = (sets: readonly SetKey[]): string => {
  const few = sets.slice(0, 3).map(({ name, type }) => `${name} ${type}`);
  return sets.length > few.length ? `${few.join(', ')} and ${sets.length - few.length} more` : few.join(', ');
};

/** Sets are not as they were last known: drift. Nothing is changed. */
export class DnsSetsDifferError extends DnsError {
  readonly sets: readonly SetKey[];

  constructor(server: string, sets: readonly SetKey[]) {
    super('refused', server, `it holds other records than were last seen: ${listed(sets)}; sync first`, true);
    this.sets = sets;
  }
}

/** The server accepted a change and passed over these sets, or changed them itself. `takenBack`: the zone is as before. */
export class DnsNotAppliedError extends DnsError {
  readonly sets: readonly SetKey[];
  readonly takenBack: boolean;

  constructor(server: string, sets: readonly SetKey[], takenBack: boolean) {
    super('refused', server, `it accepted the change and did not apply it to ${listed(sets)}`, takenBack);
    this.sets = sets;
    this.takenBack = takenBack;
  }
}

/** The change exceeds one message, or one request, to the server. */
export class DnsChangeTooLongError extends DnsError {
  readonly limitBytes: number;

  constructor(server: string, limitBytes: number) {
    super('refused', server, `the change is longer than the ${limitBytes} bytes that one message to it holds`, true);
    this.limitBytes = limitBytes;
  }
}

/** What the list of servers shows of a failed check. */
export const statusOf = (error: DnsError): 'auth_failed' | 'unreachable' =>
  error instanceof DnsKeyError ? 'auth_failed' : 'unreachable';
