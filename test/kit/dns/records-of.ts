// Records of example.com from short lines: `name TYPE value [ttl]`; a name without the domain is below it, `!` is disabled.
import type { ZoneDifference } from '../../../kit/dns/diff.ts';
import type { DnsRecord, RecordSet } from '../../../kit/dns/types.ts';

const domain = 'example.com';
const whole = (name: string): string =>
  name === '@' ? domain : /example\.(?:com|net)$|^\.$/.test(name) ? name : `${name}.${domain}`;

const withTargets = /^(?:MX|NS|SRV|CNAME|ALIAS)$/;

export function record(line: string): DnsRecord {
  const [, mark = '', name = '', type = '', rest = ''] = /^([-!]?)(\S+) (\S+) (.*)$/.exec(line) ?? [];
  const [, value = rest, ttl = '3600'] = type === 'DS' ? [] : (/^(.*?)(?: ([0-9]+))?$/.exec(rest) ?? []);
  const words = value.split(' ');
  const target = withTargets.test(type) ? [...words.slice(0, -1), whole(words.at(-1) ?? '')].join(' ') : value;
  return { name: whole(name), type, ttl: Number(ttl), value: target, enabled: mark !== '!' };
}

export function set(...lines: readonly string[]): RecordSet {
  const records = lines.map((line) => record(line));
  const [{ name, type, ttl } = record('@ A 192.0.2.1')] = records;
  return { name, type, ttl, values: records.map(({ value }) => value) };
}

export const diffed = ({ onlyHere, onlyOnServer, different }: ZoneDifference) => {
  const words = ({ name, type }: { name: string; type: string }): string => `${name.replace(`.${domain}`, '')} ${type}`;
  return { onlyHere: onlyHere.map(words), onlyOnServer: onlyOnServer.map(words), different: different.map(words) };
};
