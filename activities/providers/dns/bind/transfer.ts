// Zone transfer (RFC 5936). Records count only once a signature covers them and the closing SOA has come.
import { rdataToSoa, rdataToValue, typeName } from '../../../../kit/dns/rdata.ts';
import { isWithin } from '../../../../kit/dns/labels.ts';
import { isServerType } from '../../../../kit/dns/types.ts';
import type { Soa } from '../../../../kit/dns/types.ts';
import type { ServerSet, ZoneContents } from '../driver.ts';
import { DnsAnswerError } from '../errors.ts';
import type { DnsNetwork } from '../network.ts';
import { keyOf } from '../sets.ts';
import { classIn, rcode, typeAxfr } from '../wire/constants.ts';
import { isSoaOf } from '../wire/message.ts';
import type { Resource } from '../wire/message.ts';
import { question, understood, withSession } from './client.ts';
import type { DnsTarget } from './client.ts';
import { refusalOf } from './refusals.ts';

/** A zone with what the driver must know besides. */
export interface Transferred extends ZoneContents {
  soaTtl: number;
  /** Types of the server's own records at the apex. */
  serverTypes: ReadonlySet<string>;
}

/** TYPE65534: how BIND notes what it signs itself. */
export const signingNote = 65_534;

class Collector {
  readonly #server: string;
  readonly #zone: string;
  readonly #sets = new Map<string, { name: string; type: string; ttl: number; values: string[]; disabled: [] }>();
  readonly #serverTypes = new Set<string>();
  #soa: { record: Resource; soa: Soa } | null = null;
  isComplete = false;

  constructor(server: string, zone: string) {
    this.#server = server;
    this.#zone = zone;
  }

  add(record: Resource): void {
    const lies = (what: string): never => {
      throw new DnsAnswerError(this.#server, `its transfer of ${this.#zone} ${what}`);
    };
    if (this.isComplete) lies('goes on after its end');
    if (record.class !== classIn || !isWithin(record.name, this.#zone)) lies('has a record of another zone');
    const isSoa = isSoaOf(this.#zone, record);
    if (this.#soa === null) {
      if (!isSoa) return lies('does not begin with the SOA');
      const soa = understood(this.#server, () => rdataToSoa(record.data, 0, record.data.length));
      this.#soa = { record, soa };
      return;
    }
    if (!isSoa) return this.#keep(record);
    if (!record.data.equals(this.#soa.record.data)) lies('ends with another SOA than it began with');
    this.isComplete = true;
  }

  #keep({ name, type: number, ttl, data }: Resource): void {
    const type = typeName(number);
    if (isServerType(type)) {
      if (name === this.#zone) this.#serverTypes.add(type);
      return;
    }
    const value = understood(this.#server, () => rdataToValue(type, data, 0, data.length));
    const known = this.#sets.get(keyOf({ name, type }));
    if (known) known.values.push(value);
    else this.#sets.set(keyOf({ name, type }), { name, type, ttl, values: [value], disabled: [] });
  }

  result(): Transferred {
    if (this.#soa === null || !this.isComplete)
      throw new DnsAnswerError(this.#server, `its transfer of ${this.#zone} breaks off`);
    const sets: ServerSet[] = [...this.#sets.values()];
    return { soa: this.#soa.soa, soaTtl: this.#soa.record.ttl, sets, serverTypes: this.#serverTypes };
  }
}

/** Reads a whole zone. */
export const transfer = (target: DnsTarget, network: DnsNetwork, zone: string): Promise<Transferred> =>
  withSession(
    target,
    network,
    async (session) => {
      const { server } = target;
      const exchange = session.begin(question(zone, typeAxfr));
      const collector = new Collector(server, zone);
      let unproven: Resource[] = [];
      for (;;) {
        const { message, isSettled } = await exchange.next();
        if (message.rcode !== rcode.noError) throw refusalOf(server, zone, message.rcode, 'the transfer');
        if (message.answers.length === 0)
          throw new DnsAnswerError(server, `its transfer of ${zone} has an empty message`);
        unproven.push(...message.answers);
        if (!isSettled) continue;
        for (const record of unproven) collector.add(record);
        unproven = [];
        if (collector.isComplete) return collector.result();
      }
    },
    true,
  );
