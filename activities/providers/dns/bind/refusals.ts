// What a code of an answer means for Slipway.
import { DnsRefusedError, DnsServerFailedError, DnsZoneMissingError } from '../errors.ts';
import type { DnsError } from '../errors.ts';
import { rcode, rcodeName } from '../wire/constants.ts';

/** `what` was asked for: "the transfer". */
export function refusalOf(server: string, zone: string, code: number, what: string): DnsError {
  switch (code) {
    case rcode.notAuth:
      return new DnsZoneMissingError(server, zone);
    case rcode.servFail:
      return new DnsServerFailedError(server, `it failed at ${what} of ${zone} (SERVFAIL); see its log`);
    case rcode.refused:
      return new DnsRefusedError(server, `it refuses ${what} of ${zone} to this key (REFUSED)`);
    default:
      return new DnsRefusedError(server, `it refuses ${what} of ${zone} (${rcodeName(code)})`);
  }
}
