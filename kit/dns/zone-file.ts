// Zone files are read and written (RFC 1035, 5; `$TTL` of RFC 2308; unknown types of RFC 3597). Every fault is told with its
// line. `$INCLUDE` and `$GENERATE` are refused: a file means what stands in it.
import { absolute, canonicalName, isWithin, labelsOf } from './labels.ts';
import { fromWords, soaOf, soaValue, toPresentation, typeName, typeNumber } from './rdata.ts';
import { checkRecord } from './records.ts';
import { checked, refuse, type Refusal } from './refusals.ts';
import { mostRecords } from './rules.ts';
import { isTtl, ttlOf } from './ttl.ts';
import { isServerType, maximalTtl, type DnsRecord, type Soa } from './types.ts';
import { ZoneLexer, type Entry } from './zone-lexer.ts';

interface ZoneFileOptions {
  /** The canonical name of the domain that the file is for. */
  readonly domain: string;
  /** Seconds, where the file has neither `$TTL` nor a time to live before. */
  readonly defaultTtl: number;
  /** `input`: as if sent to the API. `served`: what a server held, other types and odd names included. */
  readonly rules: 'input' | 'served';
}

interface LineFault extends Refusal {
  readonly line: number;
}

export interface ZoneFile {
  /** Each once, the server's own types passed over. */
  readonly records: readonly (DnsRecord & { readonly line: number })[];
  readonly soa: Soa | undefined;
  /** At most `mostFaults`; the file is to be refused unless there are none. */
  readonly faults: readonly LineFault[];
}

export const mostFaults = 1000;

interface State {
  readonly options: ZoneFileOptions;
  origin: string;
  owner: string | undefined;
  defaultTtl: number | undefined;
  lastTtl: number | undefined;
  soa: Soa | undefined;
  readonly records: (DnsRecord & { line: number })[];
  /** Of each set the ttl, and its values from the second on. */
  readonly sets: Map<string, { ttl: number; first: string; values?: Set<string> }>;
}

/** Reads a master file; linear in its length. */
export function readZoneFile(text: string, options: ZoneFileOptions): ZoneFile {
  const state: State = {
    options,
    origin: options.domain,
    owner: undefined,
    defaultTtl: undefined,
    lastTtl: undefined,
    soa: undefined,
    records: [],
    sets: new Map(),
  };
  const faults: LineFault[] = [];
  const lexer = new ZoneLexer(text);
  while (faults.length < mostFaults && state.records.length <= mostRecords) {
    const entry = checked('zone_file', () => lexer.next());
    if (entry.refusal) {
      faults.push({ line: lexer.line, ...entry.refusal });
      lexer.skipLine();
      continue;
    }
    if (!entry.value) break;
    const { value } = entry;
    const { refusal } = checked('zone_file', () => readEntry(value, state));
    if (refusal) faults.push({ line: value.line, ...refusal });
  }
  return { records: state.records, soa: state.soa, faults };
}

function readEntry(entry: Entry, state: State): void {
  if (entry.hasOwner && entry.words[0]?.startsWith('$')) readDirective(entry.words, state);
  else readRecord(entry, state);
}

function readDirective([directive = '', argument, ...more]: readonly string[], state: State): void {
  const name = directive.toUpperCase();
  if (name !== '$ORIGIN' && name !== '$TTL') refuse('zone_directive', { directive: directive.slice(0, 20) });
  if (argument === undefined || more.length > 0) return refuse('zone_directive_argument', { directive: name });
  if (name === '$TTL') state.defaultTtl = ttlOf(argument);
  else state.origin = canonicalName(argument, state.origin);
}

function readRecord({ line, hasOwner, words }: Entry, state: State): void {
  let at = 0;
  if (hasOwner) {
    const owner = words[0] ?? '';
    state.owner = undefined;
    state.owner = owner === '@' ? state.origin : canonicalName(owner, state.origin);
    at = 1;
  }
  const name = state.owner ?? refuse('zone_owner');
  let ttl: number | undefined;
  for (; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (ttl === undefined && isTtl(word)) ttl = ttlOf(word);
    else if (!isClass(word)) break;
  }
  if (ttl !== undefined) state.lastTtl = ttl;
  const type = typeOf(words[at]);
  if (!isWithin(name, state.options.domain)) refuse('name_outside', { name, domain: state.options.domain }, 'name');
  const data = words.slice(at + 1);
  if (type === 'SOA') state.soa ??= soaOf(fromWords('SOA', soaWords(data), state.origin));
  if (isServerType(type)) return;
  const value = fromWords(type, data, state.origin);
  const seconds = ttl ?? state.defaultTtl ?? state.lastTtl ?? state.soa?.minimum ?? state.options.defaultTtl;
  keep({ name, type, value, ttl: seconds, enabled: true, line }, state);
}

/** The numbers of a SOA record after the serial may have units. */
const soaWords = (words: readonly string[]): string[] =>
  words.map((word, at) => (at > 2 && isTtl(word) ? String(ttlOf(word)) : word));

/** Whether a word is a class; others than IN are refused. */
function isClass(word: string): boolean {
  if (!/^(?:IN|CH|HS|CS|CLASS[0-9]{1,5})$/i.test(word)) return false;
  if (!/^(?:IN|CLASS1)$/i.test(word)) refuse('zone_class', { class: word.toUpperCase() });
  return true;
}

function typeOf(word: string | undefined): string {
  if (word === undefined) return refuse('zone_type_missing', {}, 'type');
  const number = typeNumber(word.toUpperCase());
  // 41 and 128-255 are no types of records (RFC 6895, 3.1).
  if (number === undefined || number === 41 || (number >= 128 && number <= 255))
    return refuse('zone_type', { type: word.slice(0, 20) }, 'type');
  return typeName(number);
}

function keep(record: DnsRecord & { line: number }, state: State): void {
  const { domain, rules } = state.options;
  let { value } = record;
  if (rules === 'input') {
    const { name, type } = record;
    const result = checkRecord({ name, type, value }, domain);
    if (result.refusal) return refuse(result.refusal.rule, result.refusal.params, result.refusal.field);
    if (record.ttl < 1 || record.ttl > maximalTtl) refuse('ttl_range', {}, 'ttl');
    value = result.value.value;
  }
  const ttl = joinSet(record, value, state);
  if (ttl === undefined) return;
  state.records.push({ ...record, value, ttl });
  if (state.records.length > mostRecords) refuse('domain_records', { most: mostRecords });
}

/** The ttl of the record in its set; undefined where the set has the value. */
function joinSet({ name, type, ttl }: DnsRecord, value: string, { sets, options }: State): number | undefined {
  const key = `${name} ${type}`;
  const set = sets.get(key);
  if (!set) {
    sets.set(key, { ttl, first: value });
    return ttl;
  }
  // RFC 2181, 5.2: records of a set have one; servers take the first.
  if (set.ttl !== ttl && options.rules === 'input') refuse('set_ttl', {}, 'ttl');
  set.values ??= new Set([set.first]);
  if (set.values.has(value)) return undefined;
  set.values.add(value);
  return set.ttl;
}

interface ZoneFileContents {
  readonly domain: string;
  readonly soa: Soa | null;
  /** Seconds. */
  readonly defaultTtl: number;
  readonly records: readonly DnsRecord[];
}

/** Writes a master file: the SOA first, names in the order of DNSSEC; disabled records as comments. */
export function writeZoneFile({ domain, soa, defaultTtl, records }: ZoneFileContents): string {
  const origin = absolute(domain);
  const head = [`$ORIGIN ${origin}`, `$TTL ${defaultTtl}`];
  if (soa) head.push(`${origin} ${defaultTtl} IN SOA ${toPresentation('SOA', soaValue(soa))}`);
  const sorted = records
    .map((record) => ({ key: sortKey(record), text: recordLine(record) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.text < b.text ? -1 : Number(a.text > b.text)));
  return `${[...head, ...sorted.map(({ text }) => text)].join('\n')}\n`;
}

/** Labels from the right, each ended by what sorts before every character; then the type, NS first. */
const sortKey = ({ name, type }: DnsRecord): string =>
  `${labelsOf(name).reverse().join('\u0001')}\u0000${type === 'NS' ? '' : type}`;

function recordLine({ name, type, ttl, value, enabled }: DnsRecord): string {
  const line = `${absolute(name)} ${ttl} IN ${type} ${toPresentation(type, value)}`.replace(/[\r\n]+/g, ' ');
  return enabled ? line : `; disabled: ${line}`;
}
