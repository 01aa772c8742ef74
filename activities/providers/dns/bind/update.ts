// Changes by dynamic update (RFC 2136). The prerequisites state every set as it was last known, so that an outside change makes
// the update fail whole. They see no TTL, hence sets are read before; and NOERROR proves nothing, hence they are checked after,
// by an update that has prerequisites and changes nothing: a query would also find wildcards, referrals and child zones.
import { randomInt } from 'node:crypto';
import { rdataToValue, typeNumber, valueToRdata } from '../../../../kit/dns/rdata.ts';
import { DnsChangeTooLongError, DnsNotAppliedError, DnsRefusedError, DnsSetsDifferError } from '../errors.ts';
import type { ChangeOutcome, ServerSet, SetChange, SetKey } from '../driver.ts';
import { isEmptySet, keyOf, notApplied, sameSet, standing } from '../sets.ts';
import { classIn, classNone, opcodeUpdate, rcode, typeSoa } from '../wire/constants.ts';
import { newMessage } from '../wire/message.ts';
import type { DnsMessage, Resource } from '../wire/message.ts';
import { question, understood, withSession } from './client.ts';
import type { DnsSession, DnsTarget } from './client.ts';
import { refusalOf } from './refusals.ts';
import type { DnsNetwork } from '../network.ts';
import { soaIn } from './queries.ts';
import { transfer } from './transfer.ts';

/** Sets looked up one by one; with more the whole zone is read. */
const mostLookups = 100;

const noData = Buffer.alloc(0);

export class ZoneUpdate {
  readonly #target: DnsTarget;
  readonly #network: DnsNetwork;
  readonly #zone: string;

  constructor(target: DnsTarget, network: DnsNetwork, zone: string) {
    this.#target = target;
    this.#network = network;
    this.#zone = zone;
  }

  #number(type: string): number {
    const number = typeNumber(type);
    if (number !== undefined) return number;
    throw new DnsRefusedError(this.#target.server, `the type ${type} has no number on the wire`);
  }

  #records({ name, type }: SetKey, values: readonly string[], kind: number, ttl: number): Resource[] {
    const number = this.#number(type);
    return values.map((value) => ({
      name,
      type: number,
      class: kind,
      ttl,
      data: Buffer.from(valueToRdata(type, value)),
    }));
  }

  /** RFC 2136, 2.4: "exists with these values", or "does not exist". */
  #prerequisites(key: SetKey, set: ServerSet | null): Resource[] {
    if (set !== null && set.values.length > 0) return this.#records(key, set.values, classIn, 0);
    return [{ name: key.name, type: this.#number(key.type), class: classNone, ttl: 0, data: noData }];
  }

  #deletions({ name, type, before, after }: SetChange): Resource[] {
    if (before === null) return [];
    if (after === null || isEmptySet(after))
      // Not of the whole set at the apex: BIND passes over that for NS.
      return this.#records({ name, type }, before.values, classNone, 0);
    const kept = new Set(after.values);
    return this.#records(
      { name, type },
      before.values.filter((value) => !kept.has(value)),
      classNone,
      0,
    );
  }

  #additions({ name, type, before, after }: SetChange): Resource[] {
    if (after === null) return [];
    // Every value is sent where the TTL changes.
    const known = new Set(before?.ttl === after.ttl ? before.values : []);
    return this.#records(
      { name, type },
      after.values.filter((value) => !known.has(value)),
      classIn,
      after.ttl,
    );
  }

  /** Deletions first; the last name server of the apex cannot go, so there additions come first. */
  #updates(changes: readonly SetChange[]): Resource[] {
    const isApexNs = ({ name, type }: SetKey): boolean => name === this.#zone && type === 'NS';
    const apex = changes.filter(isApexNs);
    const others = changes.filter((change) => !isApexNs(change));
    return [
      ...apex.flatMap((change) => this.#additions(change)),
      ...apex.flatMap((change) => this.#deletions(change)),
      ...others.flatMap((change) => this.#deletions(change)),
      ...others.flatMap((change) => this.#additions(change)),
    ];
  }

  #message(prerequisites: Resource[], updates: Resource[]): DnsMessage {
    return {
      ...newMessage(randomInt(0x10000), opcodeUpdate),
      questions: [{ name: this.#zone, type: typeSoa, class: classIn }],
      answers: prerequisites,
      authorities: updates,
    };
  }

  /** Whether the zone holds exactly these sets, TTLs aside. */
  async holds(session: DnsSession, wish: readonly (SetKey & { set: ServerSet | null })[]): Promise<boolean> {
    const prerequisites = wish.flatMap(({ set, ...key }) => this.#prerequisites(key, set));
    const { rcode: code } = await session.ask(this.#message(prerequisites, []));
    if (code === rcode.noError) return true;
    if (unmet.includes(code)) return false;
    throw refusalOf(this.#target.server, this.#zone, code, 'a look at the records');
  }

  /** A set as a query finds it; null: nothing of that name and type, or of another zone. */
  async #queried(session: DnsSession, { name, type }: SetKey): Promise<ServerSet | null> {
    const number = this.#number(type);
    const { answers, isAuthoritative } = await session.ask(question(name, number));
    const records = answers.filter((one) => one.name === name && one.type === number && one.class === classIn);
    const [first] = records;
    if (!first || !isAuthoritative) return null;
    const { server } = this.#target;
    const values = understood(server, () => records.map(({ data }) => rdataToValue(type, data, 0, data.length)));
    return { name, type, ttl: first.ttl, values, disabled: [] };
  }

  /** Whether the sets are exactly so, TTLs too. False needs a look at the whole zone: a query may find something else. */
  async #isExactly(session: DnsSession, wish: readonly (SetKey & { set: ServerSet | null })[]): Promise<boolean> {
    if (!(await this.holds(session, wish))) return false;
    for (const { set, ...key } of wish)
      if (set !== null && !sameSet(await this.#queried(session, key), set)) return false;
    return true;
  }

  /** The sets of these keys, exactly as stored. */
  async read(keys: readonly SetKey[]): Promise<ServerSet[]> {
    const { sets } = await transfer(this.#target, this.#network, this.#zone);
    const wanted = new Set(keys.map(keyOf));
    return sets.filter((set) => wanted.has(keyOf(set)));
  }

  /** As `read`; few sets are looked up by queries, and proven by prerequisites. */
  async lookUp(keys: readonly SetKey[]): Promise<ServerSet[]> {
    if (keys.length > mostLookups) return this.read(keys);
    try {
      return (await this.#session((session) => this.#lookedUp(session, keys))) ?? (await this.read(keys));
    } catch (error) {
      // More than one message can state.
      if (error instanceof DnsChangeTooLongError) return this.read(keys);
      throw error;
    }
  }

  async #lookedUp(session: DnsSession, keys: readonly SetKey[]): Promise<ServerSet[] | null> {
    const wish: (SetKey & { set: ServerSet | null })[] = [];
    for (const { name, type } of keys) wish.push({ name, type, set: await this.#queried(session, { name, type }) });
    return (await this.holds(session, wish)) ? wish.flatMap(({ set }) => set ?? []) : null;
  }

  #session<T>(work: (session: DnsSession) => Promise<T>): Promise<T> {
    return withSession(this.#target, this.#network, work);
  }

  /** Carries out the change; see DnsDriver. */
  change(changes: readonly SetChange[]): Promise<ChangeOutcome> {
    return this.#session(async (session) => {
      const before = changes.map(({ name, type, before: set }) => ({ name, type, set }));
      const after = changes.map(({ name, type, after: set }) => ({ name, type, set }));
      const serial = async () => (await soaIn(session, this.#target.server, this.#zone)).serial;
      const isNothing = changes.every((change) => sameSet(change.before, change.after));
      if (isNothing || !(await this.#isExactly(session, before))) {
        const found = standing(changes, await this.read(changes));
        if (found.state === 'as_after') return { serial: await serial(), effect: 'already' };
        if (found.state === 'other') throw new DnsSetsDifferError(this.#target.server, found.sets);
      }
      await this.#send(session, changes);
      if (!(await this.#isExactly(session, after))) await this.#takeBack(session, changes);
      return { serial: await serial(), effect: 'changed' };
    });
  }

  async #send(session: DnsSession, changes: readonly SetChange[]): Promise<void> {
    const prerequisites = changes.flatMap((change) => this.#prerequisites(change, change.before));
    const message = this.#message(prerequisites, this.#updates(changes));
    const { rcode: code } = await session.ask(message);
    if (code === rcode.noError) return;
    const { server } = this.#target;
    if (!unmet.includes(code)) throw refusalOf(server, this.#zone, code, 'the change');
    const found = standing(changes, await this.read(changes));
    // Somebody else was faster, and may have undone it since.
    throw new DnsSetsDifferError(server, found.state === 'other' ? found.sets : changes.slice(0, 1));
  }

  /** Part of the change was passed over: the rest is taken back, unless somebody else has changed it meanwhile. */
  async #takeBack(session: DnsSession, changes: readonly SetChange[]): Promise<void> {
    const { server } = this.#target;
    const present = new Map((await this.read(changes)).map((set) => [keyOf(set), set]));
    const wrong = notApplied(changes, [...present.values()]);
    if (wrong.length === 0) return;
    const undo = changes
      .map((one) => ({ ...one, before: present.get(keyOf(one)) ?? null, after: one.before }))
      .filter(({ before, after }) => !sameSet(before, after));
    const isBack = await this.#undone(session, undo);
    throw new DnsNotAppliedError(server, wrong, isBack);
  }

  async #undone(session: DnsSession, undo: readonly SetChange[]): Promise<boolean> {
    if (undo.length === 0) return true;
    try {
      await this.#send(session, undo);
    } catch (error) {
      if (error instanceof DnsSetsDifferError) return false;
      throw error;
    }
    return standing(undo, await this.read(undo)).state === 'as_after';
  }
}

const unmet: readonly number[] = [rcode.nxDomain, rcode.yxDomain, rcode.nxRrset, rcode.yxRrset];
