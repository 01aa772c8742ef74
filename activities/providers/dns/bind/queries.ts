// Questions to an authoritative server.
import { randomInt } from 'node:crypto';
import { rdataToSoa } from '../../../../kit/dns/rdata.ts';
import type { Soa } from '../../../../kit/dns/types.ts';
import type { DnsNetwork } from '../network.ts';
import { classChaos, classIn, opcodeUpdate, rcode, typeDnskey, typeSoa, typeTxt } from '../wire/constants.ts';
import { isSoaOf, newMessage } from '../wire/message.ts';
import type { DnsMessage } from '../wire/message.ts';
import { question, understood, withSession } from './client.ts';
import type { DnsSession, DnsTarget } from './client.ts';
import { refusalOf } from './refusals.ts';
import { signingNote } from './transfer.ts';

/** An update without prerequisites and changes: the one question whose answer tells a missing zone from a refusal. */
const emptyUpdate = (zone: string): DnsMessage => ({
  ...newMessage(randomInt(0x10000), opcodeUpdate),
  questions: [{ name: zone, type: typeSoa, class: classIn }],
});

/** The SOA of a zone that the server is authoritative for. */
export async function soaIn(session: DnsSession, server: string, zone: string): Promise<Soa> {
  const answer = await session.ask(question(zone, typeSoa));
  const record = answer.isAuthoritative ? answer.answers.find((one) => isSoaOf(zone, one)) : undefined;
  if (record) return understood(server, () => rdataToSoa(record.data, 0, record.data.length));
  const { rcode: code } = await session.ask(emptyUpdate(zone));
  if (code === rcode.notAuth) throw refusalOf(server, zone, code, 'the SOA');
  throw refusalOf(server, zone, answer.rcode === rcode.noError ? rcode.servFail : answer.rcode, 'the SOA');
}

export const querySoa = (target: DnsTarget, network: DnsNetwork, zone: string): Promise<Soa> =>
  withSession(target, network, (session) => soaIn(session, target.server, zone));

export interface ZoneFacts {
  soa: Soa;
  isSigned: boolean;
  /** The server notes that it signs the zone itself. */
  signsItself: boolean;
}

/** The SOA, and whether the zone is signed. */
export const queryZone = (target: DnsTarget, network: DnsNetwork, zone: string): Promise<ZoneFacts> =>
  withSession(target, network, async (session) => {
    const soa = await soaIn(session, target.server, zone);
    const has = async (type: number): Promise<boolean> =>
      (await session.ask(question(zone, type))).answers.some((one) => one.name === zone && one.type === type);
    const isSigned = await has(typeDnskey);
    return { soa, isSigned, signsItself: isSigned && (await has(signingNote)) };
  });

/** Proves the key, and asks for the version; null where the server does not tell. */
export const queryVersion = (target: DnsTarget, network: DnsNetwork): Promise<string | null> =>
  withSession(target, network, async (session) => {
    // Whatever the answer is: its signature proves the key.
    await session.ask(question('.', typeSoa));
    return withSession({ ...target, key: null }, network, async (plain) => {
      const answer = await plain.ask(question('version.bind', typeTxt, classChaos));
      const data = answer.answers.find(({ type }) => type === typeTxt)?.data;
      const text = data?.toString('latin1', 1, 1 + (data[0] ?? 0)).replace(/[^\x20-\x7e]/g, '') ?? '';
      return text === '' ? null : text;
    });
  });
