// Values of servers in the canonical form of Slipway.
import { fromPresentation } from '../../../kit/dns/rdata.ts';

/** The canonical value of a server's presentation form; what does not parse stays as it is. */
export function valueOf(type: string, content: string): string {
  try {
    return fromPresentation(type, content);
  } catch {
    return content;
  }
}
