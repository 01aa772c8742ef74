// Values as people send them, by type: strict where fromPresentation of rdata.ts takes whatever a server may hold. Returns
// the canonical value or throws a RefusalError; records.ts is the way in.
import { ipv6Octets, isIpv4Mapped } from './addresses.ts';
import { numberOf } from './fields.ts';
import { targetName } from './names.ts';
import { checkSubstitution } from './naptr.ts';
import { hasControls, octetLength, octetsOf, quoted, unescaped, withoutQuotes } from './octets.ts';
import { fromPresentation, fromWords } from './rdata.ts';
import { refuse } from './refusals.ts';
import { parseParams, serviceKeys } from './service-params.ts';
import { wordsOf } from './tokens.ts';
import { txtOctets, txtValue } from './txt.ts';
import type { RecordType } from './types.ts';

const longestValue = 4096;
const u16 = 65535;

const caaTags = ['issue', 'issuewild', 'iodef', 'issuemail', 'contactemail', 'contactphone'];

/** The forms that refusals show. */
const valueForms: Readonly<Record<RecordType, string>> = {
  A: '192.0.2.1',
  AAAA: '2001:db8::1',
  CNAME: 'host.example.com',
  NS: 'ns1.example.com',
  PTR: 'host.example.com',
  ALIAS: 'host.example.com',
  TXT: 'text',
  MX: '<0-65535> <host>',
  SRV: '<priority> <weight> <port> <host>',
  CAA: '<0|128> <tag> "<value>"',
  HTTPS: '<0-65535> <host or .> [key=value …]',
  SVCB: '<0-65535> <host or .> [key=value …]',
  DS: '<tag> <algorithm> <2|4> <hex>',
  TLSA: '<0-3> <0-1> <0-2> <hex>',
  SSHFP: '<1-4|6> <1-2> <hex>',
  NAPTR: '<order> <preference> "<flags>" "<service>" "<regexp>" <host or .>',
};

type Parser = (text: string) => string;

const formRefused = (type: RecordType): never => refuse('value_form', { type, form: valueForms[type] });

const host =
  (type: RecordType): Parser =>
  (text) =>
    targetName(text, type);

const hostOrRoot = (text: string, type: RecordType): string => (text === '.' ? '.' : targetName(text, type));

/** Fields with one blank between them, all of them numbers but the last. */
function numbersAndRest(type: RecordType, text: string, count: number): [number[], string] {
  const words = text.split(' ');
  if (words.length !== count + 1 || words.includes('')) formRefused(type);
  return [words.slice(0, -1).map((word) => numberOf(word, 0, u16)), words.at(-1) ?? ''];
}

function mx(text: string): string {
  const [[preference], target] = numbersAndRest('MX', text, 1);
  if (target === '.' && preference !== 0) refuse('null_mx_preference');
  return `${preference} ${hostOrRoot(target, 'MX')}`;
}

function srv(text: string): string {
  const [numbers, target] = numbersAndRest('SRV', text, 3);
  return [...numbers, hostOrRoot(target, 'SRV')].join(' ');
}

function aaaa(text: string): string {
  if (isIpv4Mapped(ipv6Octets(text))) refuse('ipv6_mapped');
  return fromPresentation('AAAA', text);
}

function txt(text: string): string {
  if (hasControls(text)) refuse('txt_control');
  const octets = txtOctets(text);
  if (octets.length > longestValue) refuse('value_length', { most: longestValue });
  return txtValue(octets);
}

function caa(text: string): string {
  const [, flags = '', name = '', rest = ''] = /^(\S+) +(\S+) +(.*)$/.exec(text) ?? formRefused('CAA');
  const tag = name.toLowerCase();
  if (flags !== '0' && flags !== '128') refuse('caa_flags');
  if (!/^[a-z0-9]{1,15}$/.test(tag)) refuse('caa_tag');
  if (!caaTags.includes(tag)) refuse('caa_tag_unknown', { tag, tags: caaTags.join(', ') });
  if (!rest.startsWith('"')) return `${flags} ${tag} ${quoted(plain(rest.trimEnd()))}`;
  const [word = '', ...more] = wordsOf(rest);
  if (more.length > 0) formRefused('CAA');
  return `${flags} ${tag} ${quoted(plain(withoutQuotes(word), true))}`;
}

/** Octets that are visible ASCII or blanks. */
function plain(text: string, hasEscapes = false): Uint8Array {
  const octets = hasEscapes ? unescaped(text) : octetsOf(text);
  if (!octets.every((octet) => octet >= 0x20 && octet <= 0x7e)) refuse('value_ascii');
  return octets;
}

const service =
  (type: 'HTTPS' | 'SVCB'): Parser =>
  (text) => {
    const [priority = '', target = '', ...words] = wordsOf(text);
    if (target === '') formRefused(type);
    if (numberOf(priority, 0, u16) === 0 && words.length > 0) refuse('svcb_alias_params');
    const params = parseParams(words);
    const mandatory = params.get(0) ?? new Uint8Array();
    for (let at = 0; at < mandatory.length; at += 2) {
      const key = ((mandatory[at] ?? 0) << 8) | (mandatory[at + 1] ?? 0);
      if (!params.has(key)) refuse('svcb_mandatory_absent', { key: serviceKeys[key] ?? `key${key}` });
    }
    if (params.has(2) && !params.has(1)) refuse('svcb_default_alpn');
    return fromWords(type, [priority, `${hostOrRoot(target, type).replace(/\.$/, '')}.`, ...words], '.');
  };

/** Numbers, each with the ones that are allowed, and hex of the length that `digits` gives (undefined: any). */
const digest =
  (
    type: RecordType,
    allowed: readonly (readonly [number, number])[],
    digits: (last: number) => number | undefined,
  ): Parser =>
  (text) => {
    const words = wordsOf(text);
    if (words.length <= allowed.length) formRefused(type);
    const numbers = allowed.map(([least, most], at) => numberOf(words[at] ?? '', least, most));
    const hex = words.slice(allowed.length).join('').toLowerCase();
    if (!/^(?:[0-9a-f]{2})+$/.test(hex)) refuse('hex_invalid');
    const length = digits(numbers.at(-1) ?? 0);
    if (length !== undefined && hex.length !== length) refuse('hex_length', { length });
    return [...numbers, hex].join(' ');
  };

const ds = digest(
  'DS',
  [
    [0, u16],
    [0, 255],
    [2, 4],
  ],
  (type) => ({ 2: 64, 4: 96 })[type] ?? refuse('ds_digest'),
);

const tlsa = digest(
  'TLSA',
  [
    [0, 3],
    [0, 1],
    [0, 2],
  ],
  (matching) => [undefined, 64, 128][matching],
);

const sshfpOfHash = digest(
  'SSHFP',
  [
    [1, 6],
    [1, 2],
  ],
  (hash) => (hash === 1 ? 40 : 64),
);

const sshfp: Parser = (text) => (/^\s*5\s/.test(text) ? refuse('sshfp_algorithm') : sshfpOfHash(text));

function naptr(text: string): string {
  const words = wordsOf(text);
  const [order = '', preference = '', flags = '', services = '', regexp = '', target = ''] = words;
  if (words.length !== 6 || [flags, services, regexp].some((word) => !word.startsWith('"'))) formRefused('NAPTR');
  const numbers = [order, preference].map((word) => numberOf(word, 0, u16));
  const strings = [flags, services, regexp].map((word) => unescaped(withoutQuotes(word)));
  if (!/^"[a-z0-9]*"$/i.test(flags)) refuse('naptr_flags');
  plain(withoutQuotes(services), true);
  const replacement = hostOrRoot(target, 'NAPTR');
  if (regexp !== '""') {
    if (replacement !== '.') refuse('naptr_both');
    checkSubstitution(String.fromCharCode(...(strings[2] ?? [])));
  }
  if (strings.some((string) => string.length > 255)) refuse('string_length');
  return [...numbers, ...strings.map(quoted), replacement].join(' ');
}

const parsers: Readonly<Record<RecordType, Parser>> = {
  A: (text) => fromPresentation('A', /^[0-9.]*$/.test(text) ? text : refuse('ipv4_invalid')),
  AAAA: aaaa,
  CNAME: host('CNAME'),
  NS: host('NS'),
  PTR: host('PTR'),
  ALIAS: host('ALIAS'),
  MX: mx,
  SRV: srv,
  TXT: txt,
  CAA: caa,
  HTTPS: service('HTTPS'),
  SVCB: service('SVCB'),
  DS: ds,
  TLSA: tlsa,
  SSHFP: sshfp,
  NAPTR: naptr,
};

/** The canonical value of what people send. */
export function canonicalValue(type: RecordType, text: string): string {
  if (!text.isWellFormed()) refuse('value_unicode');
  if (type === 'TXT')
    return text.length > 4 * longestValue + 2 ? refuse('value_length', { most: longestValue }) : txt(text);
  if (octetLength(text) > longestValue) refuse('value_length', { most: longestValue });
  if (text === '' || hasControls(text) || text.trim() !== text) formRefused(type);
  const value = parsers[type](text);
  if (octetLength(value) > longestValue) refuse('value_length', { most: longestValue });
  return value;
}
