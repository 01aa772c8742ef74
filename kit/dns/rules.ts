// The rules between records: each changed set is judged against what the change leaves behind. What a server held before and
// nobody touches is never refused, whatever it is.
import { isBelow } from './labels.ts';
import { octetLength } from './octets.ts';
import { checked, refuse, type Refusal } from './refusals.ts';
import { valueToRdata } from './rdata.ts';
import { targetOf } from './targets.ts';
import type { AnyRecordType, DnsRecord } from './types.ts';
import { longestDomain, namesAbove, type ZoneIndex } from './zone-index.ts';

interface RuleSettings {
  /** Most records of a set: 500, with BIND 100. */
  readonly largestSet: number;
  /** Longer domains of the same server that are below this one. */
  readonly longerDomains: ReadonlySet<string>;
}

interface SetKey {
  readonly name: string;
  readonly type: AnyRecordType;
}

export const mostRecords = 100_000;
const mostSetOctets = 60_000;
export const largestSets = { powerdns: 500, bind: 100 } as const;

const glueTypes: readonly AnyRecordType[] = ['A', 'AAAA'];
const delegationTypes: readonly AnyRecordType[] = ['NS', 'DS', 'A', 'AAAA'];

const enabled = (records: readonly DnsRecord[]): DnsRecord[] => records.filter((record) => record.enabled);
const hasType = (records: readonly DnsRecord[], type: AnyRecordType): boolean =>
  records.some((record) => record.type === type);

/** What refuses a change of some sets, given the outcome; null when nothing does. `params` name the set. */
export function checkOutcome(outcome: ZoneIndex, changed: readonly SetKey[], settings: RuleSettings): Refusal | null {
  if (outcome.size > mostRecords) return refusalOf(() => refuse('domain_records', { most: mostRecords }));
  for (const key of changed) {
    const refusal = checkSet(outcome, key, settings);
    if (refusal) return refusal;
  }
  return null;
}

/** What refuses one changed set; null when nothing does. */
function checkSet(outcome: ZoneIndex, key: SetKey, settings: RuleSettings): Refusal | null {
  const refusal = refusalOf(() => {
    const set = outcome.at(key.name).filter(({ type }) => type === key.type);
    checkContents(key, set, settings);
    const served = enabled(set);
    if (served.length === 0) return checkRemoval(outcome, key);
    checkNeighbours(outcome, key, served);
    checkDelegations(outcome, key);
    checkLongerDomains(outcome, key, settings);
  });
  return refusal && { ...refusal, params: { name: key.name, type: key.type, ...refusal.params } };
}

const refusalOf = (check: () => void): Refusal | null => checked('name', check).refusal ?? null;

function checkContents({ type }: SetKey, set: readonly DnsRecord[], { largestSet }: RuleSettings): void {
  if (new Set(set.map(({ value }) => value)).size < set.length) refuse('record_exists', {}, 'value');
  if (set.length > largestSet) refuse('set_records', { most: largestSet }, 'value');
  const served = enabled(set);
  if (new Set(served.map(({ ttl }) => ttl)).size > 1) refuse('set_ttl', {}, 'ttl');
  if (served.length > 1 && setOctets(type, served) > mostSetOctets)
    refuse('set_octets', { most: mostSetOctets }, 'value');
}

/** Octets of a set as a response holds it: data, and twelve of each record's header. */
function setOctets(type: AnyRecordType, set: readonly DnsRecord[]): number {
  return set.reduce((sum, { value }) => {
    const size = checked('value', () => valueToRdata(type, value).length);
    return sum + 12 + (size.refusal ? octetLength(value) : size.value);
  }, 0);
}

/** What must stay: the last name servers, and what needs the set that goes. */
function checkRemoval(outcome: ZoneIndex, { name, type }: SetKey): void {
  if (type !== 'NS') return;
  if (name === outcome.domain) refuse('last_apex_ns', {}, 'value');
  if (hasType(enabled(outcome.at(name)), 'DS')) refuse('ds_delegation', {}, 'name');
}

function checkNeighbours(outcome: ZoneIndex, { name, type }: SetKey, served: readonly DnsRecord[]): void {
  const others = enabled(outcome.at(name)).filter((record) => record.type !== type);
  if (type === 'CNAME' && others.length > 0) refuse('cname_others', { other: others[0]?.type ?? '' });
  if (type !== 'CNAME' && hasType(others, 'CNAME')) refuse('cname_there');
  if ((type === 'CNAME' || type === 'ALIAS') && served.length > 1) refuse('one_value', {}, 'value');
  const besides = type === 'ALIAS' ? glueTypes : glueTypes.includes(type) ? ['ALIAS'] : [];
  const beside = besides.find((one) => hasType(others, one));
  if (beside !== undefined) refuse('alias_addresses', { other: beside });
  const isNull = (record: DnsRecord): boolean => (type === 'MX' || type === 'SRV') && targetOf(record) === '.';
  if (served.length > 1 && served.some(isNull)) refuse('null_target_alone', {}, 'value');
}

const isDelegation = (outcome: ZoneIndex, name: string): boolean =>
  name !== outcome.domain && hasType(enabled(outcome.at(name)), 'NS');

function checkDelegations(outcome: ZoneIndex, { name, type }: SetKey): void {
  const above = namesAbove(name, outcome.domain).filter((one) => isDelegation(outcome, one));
  const [delegation] = above;
  if (delegation !== undefined && !glueTypes.includes(type)) refuse('below_delegation', { delegation });
  if (type === 'DS' && !isDelegation(outcome, name)) refuse('ds_delegation');
  if (!isDelegation(outcome, name)) return;
  if (type !== 'NS' && !delegationTypes.includes(type)) refuse('at_delegation');
  if (type === 'NS') checkHidden(outcome, name);
}

/** Refuses name servers that would hide what is served at or below their name. */
function checkHidden(outcome: ZoneIndex, name: string): void {
  const hides = (at: string, visible: readonly AnyRecordType[]): void => {
    const hidden = enabled(outcome.at(at)).find(({ type }) => !visible.includes(type));
    if (hidden) refuse('ns_hides', { hidden: at, other: hidden.type });
  };
  hides(name, delegationTypes);
  outcome.below(name).forEach((below) => hides(below, glueTypes));
}

/** A longer domain of the server owns its names, but for the delegation to it and the addresses of its name servers. */
function checkLongerDomains(outcome: ZoneIndex, { name, type }: SetKey, { longerDomains }: RuleSettings): void {
  const owner = longestDomain(name, longerDomains);
  if (owner === undefined || !isBelow(owner, outcome.domain)) return;
  if (name === owner && (type === 'NS' || type === 'DS')) return;
  const servers = enabled(outcome.at(owner)).filter((record) => record.type === 'NS');
  if (glueTypes.includes(type) && servers.some(({ value }) => value === name)) return;
  refuse('longer_domain', { domain: owner });
}
