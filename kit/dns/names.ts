// Names as people write them: mapped by UTS 46 (IDNA2008, non-transitional), and judged by where they stand. What servers
// hold beyond these rules is read by labels.ts.
import { isIP } from 'node:net';
import { toASCII, toUnicode } from 'tr46';
import { isWithin, lowerCase } from './labels.ts';
import { refuse } from './refusals.ts';
import type { RecordType } from './types.ts';

const longestName = 253;
const idna = { checkBidi: true, checkJoiners: true, checkHyphens: true, useSTD3ASCIIRules: false };
const ascii = /^[\u0000-\u007f]*$/;

const underscoreOwners: readonly RecordType[] = [
  'CNAME',
  'TXT',
  'SRV',
  'CAA',
  'PTR',
  'NS',
  'DS',
  'HTTPS',
  'SVCB',
  'TLSA',
];
const slashOwners: readonly RecordType[] = ['NS', 'CNAME', 'PTR'];
const hostTargets: readonly RecordType[] = ['MX', 'NS', 'SRV', 'PTR'];

const isIpv4Reverse = (name: string): boolean => name.endsWith('.in-addr.arpa');

/** Whether a domain holds PTR records. */
export const isReverse = (domain: string): boolean => isWithin(domain, 'in-addr.arpa') || isWithin(domain, 'ip6.arpa');

// Labels are mapped one by one: the rule for right-to-left text holds for the label, so that `_dmarc` may stand beside it.
function mappedLabel(label: string): string {
  if (ascii.test(label) && !/^xn--/i.test(label)) return lowerCase(label);
  const mapped = label.length > 253 ? null : toASCII(label, idna);
  if (mapped === null || mapped === '' || mapped.includes('.')) return refuse('label_unmapped', { label: cut(label) });
  return mapped;
}

const cut = (text: string): string => (text.length > 63 ? `${text.slice(0, 60)}…` : text);

const isPlain = (name: string): boolean => ascii.test(name) && !/xn--/i.test(name);

/** Maps a name and checks what holds everywhere. The dots of other scripts count as dots. */
function mapped(text: string): string[] {
  if (text.length > 4 * longestName) refuse('name_length');
  const whole = text.replace(/[.\u3002\uff0e\uff61]$/, '');
  if (whole === '') refuse('name_empty');
  const labels = isPlain(whole)
    ? lowerCase(whole).split('.')
    : whole.split(/[.\u3002\uff0e\uff61]/).map((label) => mappedLabel(label));
  labels.forEach((label) => checkLabel(label));
  if (labels.join('.').length > longestName) refuse('name_length');
  return labels;
}

function checkLabel(label: string): void {
  if (label === '') refuse('label_empty');
  if (label.length > 63) refuse('label_length', { label: cut(label) });
  const other = /[^a-z0-9_*/-]/.exec(label)?.[0];
  if (other !== undefined) refuse(/\s/.test(other) ? 'name_blank' : 'name_character', { character: other });
  if (label.startsWith('-') || label.endsWith('-')) refuse('label_hyphen', { label });
}

interface Place {
  wildcard: boolean;
  underscore: boolean;
  slash: boolean;
}

function judged(labels: readonly string[], { wildcard, underscore, slash }: Place): string {
  const name = labels.join('.');
  const starred = labels.findIndex((label) => label.includes('*'));
  if (starred > 0 || (starred === 0 && (labels[0] !== '*' || !wildcard || labels.length === 1)))
    refuse(wildcard ? 'wildcard_place' : 'wildcard_here');
  if (!underscore && name.includes('_')) refuse('underscore_here');
  if (name.includes('/') && !(slash && isIpv4Reverse(name))) refuse('slash_here');
  return name;
}

/** The canonical name of a domain. */
export function domainName(text: string): string {
  if (isIP(text) !== 0) refuse('name_address');
  return judged(mapped(text), { wildcard: false, underscore: true, slash: true });
}

/** The canonical name of a host, such as a name server of a new domain. */
export function hostName(text: string): string {
  return wholeTarget(text, { wildcard: false, underscore: false, slash: false });
}

/** The canonical owner name of a record; `@` is the domain's own. */
export function ownerName(text: string, type: RecordType, domain: string): string {
  if (text === '@') return domain;
  const labels = mapped(text);
  const name = judged(labels, {
    wildcard: true,
    underscore: underscoreOwners.includes(type),
    slash: slashOwners.includes(type),
  });
  if (!isWithin(name, domain)) refuse(labels.length === 1 ? 'name_relative' : 'name_outside', { name, domain });
  checkServiceOwner(type, labels);
  return name;
}

function checkServiceOwner(type: RecordType, labels: readonly string[]): void {
  const [first = '', second = ''] = labels;
  const isProtocol = /^_[a-z0-9]/.test(second);
  if (type === 'SRV' && !(isProtocol && /^_[a-z0-9]/.test(first))) refuse('srv_owner');
  if (type !== 'TLSA') return;
  const port = /^_(0|[1-9][0-9]{0,4})$/.exec(first)?.[1];
  if (!isProtocol || port === undefined || Number(port) > 65535) refuse('tlsa_owner');
}

/** The canonical name that a record of a type points to; `.` where the type has a use for it is the caller's. */
export function targetName(text: string, type: RecordType): string {
  return wholeTarget(text, { wildcard: false, underscore: !hostTargets.includes(type), slash: type === 'CNAME' });
}

function wholeTarget(text: string, place: Place): string {
  if (isIP(text.replace(/^\[|\]?\.?$/g, '')) !== 0) refuse('target_address');
  const labels = mapped(text);
  // `mail` would be resolved as the top-level name `mail.`, which hardly anybody means.
  if (labels.length === 1) refuse('target_relative', { name: labels[0] ?? '' });
  return judged(labels, place);
}

/** The name as people read it: U-labels where they are valid. */
export function unicodeName(name: string): string {
  if (!name.includes('xn--')) return name;
  return name
    .split('.')
    .map((label) => {
      if (!label.startsWith('xn--')) return label;
      const { domain, error } = toUnicode(label, idna);
      return error ? label : domain;
    })
    .join('.');
}
