import { diffed, record, set } from './records-of.ts';
import { replacement, setsOf, zoneDifference, isIgnored } from '../../../kit/dns/diff.ts';
import type { RefusalRule } from '../../../kit/dns/refusals.ts';
import { checkOutcome, largestSets, mostRecords } from '../../../kit/dns/rules.ts';
import { checkAliasIsNoTarget, checkTargetIsHost, checkTargetResolves } from '../../../kit/dns/targets.ts';
import { renamed, targetOf, withTarget } from '../../../kit/dns/targets.ts';
import type { DnsRecord } from '../../../kit/dns/types.ts';
import { longestDomain, namesAbove, zoneIndex } from '../../../kit/dns/zone-index.ts';

const domain = 'example.com';
const apex = [record('@ NS ns1.example.net'), record('@ NS ns2.example.net')];

/** What refuses a change of the last of some lines (`name TYPE value`; a dash before it removes it) beside an apex. */
function refusedBy(lines: readonly string[], longerDomains: readonly string[] = []): RefusalRule | undefined {
  const last = lines.at(-1) ?? '';
  const records = [...apex, ...lines.map((line) => record(line))].filter(
    (one) =>
      !lines.some((line) => line.startsWith('-') && record(line).value === one.value && record(line).name === one.name),
  );
  const settings = { largestSet: largestSets.powerdns, longerDomains: new Set(longerDomains) };
  return checkOutcome(zoneIndex(domain, records), [record(last)], settings)?.rule;
}

describe('a changed set', () => {
  test.each<[string, ...string[]]>([
    ['an address beside another', 'a A 192.0.2.1', 'a A 192.0.2.2'],
    ['an alias alone', 'a CNAME b.example.net'],
    ['an alias beside a disabled record', '!a A 192.0.2.1', 'a CNAME b.example.net'],
    ['a record beside a disabled alias', '!a CNAME b.example.net', 'a A 192.0.2.1'],
    ['a null MX alone', 'a MX 0 .'],
    ['glue below a delegation', 'sub NS ns.sub', 'ns.sub A 192.0.2.1'],
    ['a delegation with glue below', 'ns.sub A 192.0.2.1', 'sub NS ns.sub'],
    ['a delegation with addresses of its own', 'sub A 192.0.2.1', 'sub NS sub'],
    ['a DS at a delegation', 'sub NS ns.example.net', 'sub DS 1 8 2 ab'],
    ['a record that others of its name had before', 'a LOC 1', 'a A 192.0.2.1'],
    ['one of two apex name servers that goes', '-@ NS ns1.example.net'],
    ['a delegation that goes', '-sub NS ns.example.net'],
    ['an ALIAS at the apex', '@ ALIAS b.example.net'],
  ])('is taken: %s', (_what, ...lines) => {
    expect(refusedBy(lines)).toBeUndefined();
  });

  test.each<[RefusalRule, ...string[]]>([
    ['record_exists', 'a A 192.0.2.1', 'a A 192.0.2.1'],
    ['record_exists', '!a A 192.0.2.1', 'a A 192.0.2.1'],
    ['cname_others', 'a A 192.0.2.1', 'a CNAME b.example.net'],
    ['cname_others', 'a LOC 1', 'a CNAME b.example.net'],
    ['cname_there', 'a CNAME b.example.net', 'a A 192.0.2.1'],
    ['one_value', 'a CNAME b.example.net', 'a CNAME c.example.net'],
    ['one_value', 'a ALIAS b.example.net', 'a ALIAS c.example.net'],
    ['alias_addresses', 'a A 192.0.2.1', 'a ALIAS b.example.net'],
    ['alias_addresses', 'a ALIAS b.example.net', 'a AAAA ::1'],
    ['null_target_alone', 'a MX 0 .', 'a MX 10 b.example.net'],
    ['null_target_alone', '_a._tcp SRV 1 1 1 b.example.net', '_a._tcp SRV 0 0 0 .'],
    ['below_delegation', 'sub NS ns.example.net', 'a.sub TXT x'],
    ['below_delegation', 'sub NS ns.example.net', 'a.b.sub CNAME b.example.net'],
    ['below_delegation', 'sub NS ns.example.net', 'a.sub NS ns.example.net'],
    ['at_delegation', 'sub NS ns.example.net', 'sub TXT x'],
    ['ns_hides', 'a.b.sub TXT x', 'sub NS ns.example.net'],
    ['ns_hides', 'sub MX 10 b.example.net', 'sub NS ns.example.net'],
    ['ds_delegation', 'sub A 192.0.2.1', 'sub DS 1 8 2 ab'],
    ['ds_delegation', 'sub DS 1 8 2 ab', '-sub NS ns.example.net'],
    ['last_apex_ns', '-@ NS ns1.example.net', '-@ NS ns2.example.net'],
    ['last_apex_ns', '-@ NS ns2.example.net', '!@ NS ns3.example.net', '-@ NS ns1.example.net'],
    ['set_ttl', 'a A 192.0.2.1 60', 'a A 192.0.2.2 61'],
  ])('is refused: %s (%s, %s)', (rule, ...lines) => {
    expect(refusedBy(lines)).toBe(rule);
  });

  it('is judged below a longer domain of the server by what the delegation needs', () => {
    const longer = ['sub.example.com'];
    const delegated = 'sub NS ns.sub';
    expect(refusedBy(['a.sub A 192.0.2.1'], longer)).toBe('longer_domain');
    expect(refusedBy([delegated, 'a.sub A 192.0.2.1'], longer)).toBe('longer_domain');
    expect(refusedBy([delegated, 'ns.sub A 192.0.2.1'], longer)).toBeUndefined();
    expect(refusedBy([delegated], longer)).toBeUndefined();
    expect(refusedBy([delegated, 'sub DS 1 8 2 ab'], longer)).toBeUndefined();
    expect(refusedBy(['sub A 192.0.2.1'], longer)).toBe('longer_domain');
    expect(refusedBy(['notsub A 192.0.2.1'], longer)).toBeUndefined();
    expect(refusedBy(['a A 192.0.2.1'], ['com', domain])).toBeUndefined();
  });

  it('names the set that is refused', () => {
    const outcome = zoneIndex(domain, [...apex, record('a CNAME b.example.net'), record('a TXT x')]);
    const settings = { largestSet: 500, longerDomains: new Set<string>() };
    expect(checkOutcome(outcome, [record('@ NS x'), record('a CNAME x')], settings)).toEqual({
      field: 'name',
      rule: 'cname_others',
      params: { name: 'a.example.com', type: 'CNAME', other: 'TXT' },
    });
    expect(checkOutcome(outcome, [record('@ NS x')], settings)).toBeNull();
  });

  it('has at most so many records and bytes, and a domain at most 100,000 records', () => {
    const many = (count: number, value: (n: number) => string): DnsRecord[] =>
      Array.from({ length: count }, (_, n) => ({ ...record('a TXT x'), value: value(n) }));
    const judged = (records: readonly DnsRecord[], largestSet: number): RefusalRule | undefined =>
      checkOutcome(zoneIndex(domain, records), [record('a TXT x')], { largestSet, longerDomains: new Set() })?.rule;
    expect(judged(many(100, String), largestSets.bind)).toBeUndefined();
    expect(judged(many(101, String), largestSets.bind)).toBe('set_records');
    expect(judged(many(500, String), largestSets.powerdns)).toBeUndefined();
    expect(judged(many(501, String), largestSets.powerdns)).toBe('set_records');
    expect(
      judged(
        many(15, (n) => `${n}${'x'.repeat(4090)}`),
        500,
      ),
    ).toBe('set_octets');
    expect(
      judged(
        many(14, (n) => `${n}${'x'.repeat(4090)}`),
        500,
      ),
    ).toBeUndefined();
    expect(judged(many(mostRecords + 1, String), 500)).toBe('domain_records');
  });

  it('is judged in linear time beside many names and deep ones', () => {
    const deep = Array.from({ length: 10_000 }, (_, n) => record(`a${n}.${'b.'.repeat(20)}sub A 192.0.2.1`));
    const outcome = zoneIndex(domain, [...apex, ...deep, record('sub NS ns.example.net')]);
    const settings = { largestSet: 500, longerDomains: new Set<string>() };
    expect(checkOutcome(outcome, [record('sub NS x'), ...deep], settings)).toBeNull();
  });
});

describe('a target', () => {
  test.each([
    ['CNAME', 'b.example.net', 'b.example.net'],
    ['MX', '10 b.example.net', 'b.example.net'],
    ['SRV', '0 5 5060 b.example.net', 'b.example.net'],
    ['HTTPS', '1 b.example.net alpn=h2', 'b.example.net'],
    ['NAPTR', '1 1 "s" "a b" "" b.example.net', 'b.example.net'],
    ['TXT', '10 b.example.net', undefined],
    ['A', '192.0.2.1', undefined],
  ])('of %s %s is %s', (type, value, target) => {
    expect(targetOf({ type, value })).toBe(target);
    expect(withTarget({ type, value }, 'c.example.org')).toBe(value.replace(target ?? '-', 'c.example.org'));
  });

  it('of MX and NS is no alias, in both directions (RFC 2181, 10.3)', () => {
    const isAlias = (name: string): boolean => name === 'b.example.com';
    expect(checkTargetIsHost(record('a MX 10 b'), isAlias)?.rule).toBe('target_alias');
    expect(checkTargetIsHost(record('a NS b'), isAlias)?.rule).toBe('target_alias');
    expect(checkTargetIsHost(record('a MX 10 c'), isAlias)).toBeNull();
    expect(checkTargetIsHost(record('a CNAME b'), isAlias)).toBeNull();
    const users = [record('x SRV 1 1 1 b'), record('!x MX 10 b')];
    expect(checkAliasIsNoTarget('b.example.com', users)).toBeNull();
    expect(checkAliasIsNoTarget('b.example.com', [...users, record('x MX 10 b')])).toEqual({
      field: 'name',
      rule: 'alias_of_target',
      params: { name: 'b.example.com', other: 'MX', owner: 'x.example.com' },
    });
  });

  it('of MX and apex NS inside the zone has an address, by a wildcard too, unless it is delegated', () => {
    const lines = ['b A 192.0.2.1', '!c A 192.0.2.1', '*.w AAAA ::1', 'd.w TXT x', 'sub NS ns.example.net'];
    const zone = zoneIndex(domain, [...apex, ...lines.map((line) => record(line))]);
    const rule = (line: string): RefusalRule | undefined => checkTargetResolves(record(line), zone)?.rule;
    for (const fine of [
      'a MX 10 b',
      'a MX 10 x.w',
      'a MX 10 x.y.w',
      'a MX 10 m.sub',
      'a MX 10 m.example.net',
      'a MX 0 .',
    ])
      expect([fine, rule(fine)]).toEqual([fine, undefined]);
    for (const unresolved of ['a MX 10 c', 'a MX 10 e', 'a MX 10 d.w', 'a MX 10 x.d.w', 'a MX 10 w', '@ NS e'])
      expect([unresolved, rule(unresolved)]).toEqual([unresolved, 'target_unresolved']);
    expect(rule('a NS e')).toBeUndefined();
    expect(rule('a SRV 1 1 1 e')).toBeUndefined();
  });

  it('inside a domain that is renamed moves along with the names', () => {
    const moved = (line: string): string => {
      const { name, value } = renamed(record(line), domain, 'other.example');
      return `${name} ${value}`;
    };
    expect(moved('a MX 10 b')).toBe('a.other.example 10 b.other.example');
    expect(moved('@ NS @')).toBe('other.example other.example');
    expect(moved('a CNAME b.example.net')).toBe('a.other.example b.example.net');
    expect(moved('a TXT example.com')).toBe('a.other.example example.com');
  });

  it('is found in the longest domain', () => {
    const domains = new Set(['example.com', 'sub.example.com', '.']);
    const names = ['a.b.sub.example.com', 'sub.example.com', 'xsub.example.com', 'other.example'];
    expect(names.map((name) => longestDomain(name, domains))).toEqual([
      'sub.example.com',
      'sub.example.com',
      domain,
      '.',
    ]);
    expect(longestDomain('other.example', new Set([domain]))).toBeUndefined();
    expect(namesAbove('a.b.c.example.com', domain)).toEqual(['b.c.example.com', 'c.example.com']);
    expect(namesAbove(domain, domain)).toEqual([]);
  });
});

describe('a difference', () => {
  const here = [set('a A 192.0.2.1'), set('b A 192.0.2.1', 'b A 192.0.2.2'), set('c TXT x'), set('d A 192.0.2.1')];
  const server = [
    set('b A 192.0.2.2', 'b A 192.0.2.1'),
    set('c TXT x 60'),
    set('d A 192.0.2.9'),
    set('e MX 0 .'),
    set('@ SOA x'),
    set('x.dhcp A 192.0.2.7'),
  ];

  it('of two states is by sets, in no order of values, without the types of the server', () => {
    expect(diffed(zoneDifference(here, server, ['*.dhcp.example.com']))).toEqual({
      onlyHere: ['a A'],
      onlyOnServer: ['e MX'],
      different: ['c TXT', 'd A'],
    });
    expect(diffed(zoneDifference(here, here))).toEqual({ onlyHere: [], onlyOnServer: [], different: [] });
  });

  it.each([
    ['*.dhcp.example.com', 'a.dhcp.example.com', true],
    ['*.dhcp.example.com', 'dhcp.example.com', false],
    ['dhcp-*.Example.com.', 'dhcp-1.a.example.com', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxaxx', false],
    ['a*a', 'a', false],
    ['a.example.com', 'a.example.com', true],
    ['*', 'a', true],
  ])('leaves out by %s the name %s: %s', (pattern, name, isOut) => {
    expect(isIgnored(name, [pattern])).toBe(isOut);
  });

  const present = [record('a A 192.0.2.1'), record('a A 192.0.2.2'), record('!a A 192.0.2.3'), record('b TXT x')];
  const wanted = [record('a A 192.0.2.2 60'), record('c TXT y')];
  const words = ({ name, value, ttl }: DnsRecord): string => `${name.split('.')[0]} ${value} ${ttl}`;

  it('of a replacement removes what is not wanted, but for disabled records', () => {
    const { added, removed, retimed, outcome } = replacement(present, wanted, 'replace');
    expect(added.map(words)).toEqual(['c y 3600']);
    expect(removed.map(words)).toEqual(['a 192.0.2.1 3600', 'b x 3600']);
    expect(retimed.map(({ record: one, ttl }) => [one.value, ttl])).toEqual([
      ['192.0.2.2', 60],
      ['192.0.2.3', 60],
    ]);
    expect(outcome.map(words)).toEqual(['a 192.0.2.2 60', 'a 192.0.2.3 60', 'c y 3600']);
  });

  it('of a merge removes nothing and gives whole sets one ttl', () => {
    const { added, removed, outcome } = replacement(present, wanted, 'merge');
    expect([added.map(words), removed]).toEqual([['c y 3600'], []]);
    expect(outcome.map(words)).toEqual(['a 192.0.2.1 60', 'a 192.0.2.2 60', 'a 192.0.2.3 60', 'b x 3600', 'c y 3600']);
  });

  it('leaves disabled records out of sets', () => {
    expect(setsOf(present).map(({ name, values }) => [name, values])).toEqual([
      ['a.example.com', ['192.0.2.1', '192.0.2.2']],
      ['b.example.com', ['x']],
    ]);
  });
});
