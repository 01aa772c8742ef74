import fc from 'fast-check';
import { record } from './records-of.ts';
import { rdataToValue } from '../../../kit/dns/rdata.ts';
import type { RefusalRule } from '../../../kit/dns/refusals.ts';
import { mostRecords } from '../../../kit/dns/rules.ts';
import { recordTypes, type DnsRecord } from '../../../kit/dns/types.ts';
import { mostFaults, readZoneFile, writeZoneFile, type ZoneFile } from '../../../kit/dns/zone-file.ts';

const read = (text: string, domain = 'example.com', rules: 'input' | 'served' = 'input'): ZoneFile =>
  readZoneFile(text, { domain, defaultTtl: 3600, rules });
const lines = ({ records }: { records: readonly DnsRecord[] }): string[] =>
  records.map(({ name, ttl, type, value }) => `${name} ${ttl} ${type} ${value}`);
const faults = (file: ZoneFile): [number, string][] => file.faults.map(({ line, rule }) => [line, rule]);

// RFC 1035, 5.3, with the included file in its place.
const isiEdu = `
@   IN  SOA     VENERA      Action\\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        NS      VAXA
        MX      10      VENERA
        MX      20      VAXA

A       A       26.3.0.103

VENERA  A       10.1.0.52
        A       128.9.0.32

VAXA    A       10.2.0.27
        A       128.9.0.33
MOE     MX      0 A.ISI.EDU.
`;

describe('a zone file', () => {
  it('is read as RFC 1035 has it (5.3)', () => {
    const file = read(isiEdu, 'isi.edu');
    expect(faults(file)).toEqual([]);
    expect(file.soa).toEqual({
      mname: 'venera.isi.edu',
      rname: 'action\\.domains.isi.edu',
      serial: 20,
      refresh: 7200,
      retry: 600,
      expire: 3_600_000,
      minimum: 60,
    });
    expect(lines(file)).toEqual([
      'isi.edu 60 NS a.isi.edu',
      'isi.edu 60 NS venera.isi.edu',
      'isi.edu 60 NS vaxa.isi.edu',
      'isi.edu 60 MX 10 venera.isi.edu',
      'isi.edu 60 MX 20 vaxa.isi.edu',
      'a.isi.edu 60 A 26.3.0.103',
      'venera.isi.edu 60 A 10.1.0.52',
      'venera.isi.edu 60 A 128.9.0.32',
      'vaxa.isi.edu 60 A 10.2.0.27',
      'vaxa.isi.edu 60 A 128.9.0.33',
      'moe.isi.edu 60 MX 0 a.isi.edu',
    ]);
  });

  test.each<[string, string, string[]]>([
    [
      '$ORIGIN, absolute and relative',
      '$ORIGIN sub\na A ::1\n'.replace('A ::1', 'AAAA ::1'),
      ['a.sub.example.com 3600 AAAA ::1'],
    ],
    [
      'an owner of the line before',
      'a A 192.0.2.1\n  A 192.0.2.2',
      ['a.example.com 3600 A 192.0.2.1', 'a.example.com 3600 A 192.0.2.2'],
    ],
    ['@', '@ A 192.0.2.1', ['example.com 3600 A 192.0.2.1']],
    ['a wildcard', '* A 192.0.2.1', ['*.example.com 3600 A 192.0.2.1']],
    [
      '$TTL before a time to live given earlier (RFC 2308)',
      '$TTL 2h\na 60 TXT x\nb TXT y',
      ['a.example.com 60 TXT x', 'b.example.com 7200 TXT y'],
    ],
    ['the last time to live without $TTL', 'a 60 TXT x\nb TXT y', ['a.example.com 60 TXT x', 'b.example.com 60 TXT y']],
    ['units', 'a 1W TXT x\nb 1h30m5s TXT y', ['a.example.com 604800 TXT x', 'b.example.com 5405 TXT y']],
    [
      'class and time to live in either order',
      'a IN 60 TXT x\nb 60 in TXT y',
      ['a.example.com 60 TXT x', 'b.example.com 60 TXT y'],
    ],
    [
      'parentheses over lines',
      'a TXT ( "x" ; one\n "y" )\nb TXT z',
      ['a.example.com 3600 TXT xy', 'b.example.com 3600 TXT z'],
    ],
    ['parentheses without blanks', 'a MX (10 b)', ['a.example.com 3600 MX 10 b.example.com']],
    ['a semicolon in quotes', 'a TXT "v=DKIM1; p=x" ; comment', ['a.example.com 3600 TXT v=DKIM1; p=x']],
    ['an escaped semicolon', 'a TXT v=DKIM1\\; p=x', ['a.example.com 3600 TXT v=DKIM1;p=x']],
    [
      'lines of Windows and a byte order mark',
      '\ufeffa TXT x\r\nb TXT y\r\n',
      ['a.example.com 3600 TXT x', 'b.example.com 3600 TXT y'],
    ],
    ['no line end', 'a TXT x', ['a.example.com 3600 TXT x']],
    [
      'a name equal to a class or type',
      'in IN A 192.0.2.1\nMX A 192.0.2.2',
      ['in.example.com 3600 A 192.0.2.1', 'mx.example.com 3600 A 192.0.2.2'],
    ],
    ['the same record twice', 'a A 192.0.2.1\nA A 192.0.2.1', ['a.example.com 3600 A 192.0.2.1']],
    [
      'types in any case and by number',
      'a type1 192.0.2.1\nb mx 10 c',
      ['a.example.com 3600 A 192.0.2.1', 'b.example.com 3600 MX 10 c.example.com'],
    ],
    ['data of RFC 3597', 'a A \\# 4 0A00 0001', ['a.example.com 3600 A 10.0.0.1']],
    [
      'types of the server, which are passed over',
      '@ DNSKEY 256 3 8 ( AwEA\nAa== )\n@ RRSIG NSEC x\n@ NSEC3PARAM 1 0 0 -\n@ TYPE65534 \\# 0\n@ A 192.0.2.1',
      ['example.com 3600 A 192.0.2.1'],
    ],
    [
      'names in letters',
      'bücher A 192.0.2.1'.replace('bücher', 'xn--bcher-kva'),
      ['xn--bcher-kva.example.com 3600 A 192.0.2.1'],
    ],
    [
      'service parameters in quotes',
      'a HTTPS 1 . alpn="h2,h3" port=8443',
      ['a.example.com 3600 HTTPS 1 . alpn=h2,h3 port=8443'],
    ],
    ['a reference to the origin as a target', 'a CNAME @', ['a.example.com 3600 CNAME example.com']],
  ])('may have %s', (_what, text, expected) => {
    const file = read(text);
    expect(faults(file)).toEqual([]);
    expect(lines(file)).toEqual(expected);
  });

  test.each<[RefusalRule, string, number]>([
    ['zone_directive', 'a A 192.0.2.1\n$INCLUDE other', 2],
    ['zone_directive', '$GENERATE 1-9 a$ A 192.0.2.$', 1],
    ['zone_directive_argument', '$TTL', 1],
    ['zone_ttl', '$TTL 1x', 1],
    ['zone_class', '\n\na CH TXT x', 3],
    ['zone_type', 'a NOSUCH x', 1],
    ['zone_type', 'a ANY x', 1],
    ['zone_type', 'a TYPE65536 x', 1],
    ['zone_type_missing', 'a 60', 1],
    ['zone_owner', '  A 192.0.2.1', 1],
    ['zone_parentheses', 'a A ( 192.0.2.1\nb A 192.0.2.2', 2],
    ['zone_parentheses', 'a A 192.0.2.1 )', 1],
    ['quote_open', 'a TXT "x\nb TXT y', 1],
    ['name_outside', 'www.example.org. A 192.0.2.1', 1],
    ['label_empty', '$ORIGIN sub\na.. A 192.0.2.1', 2],
    ['ipv4_invalid', '; first\na A 192.0.2.300', 2],
    ['value_short', 'a MX 10', 1],
    ['value_long', 'a A 192.0.2.1 192.0.2.2', 1],
    ['target_address', 'a MX 10 192.0.2.1.', 1],
    ['cname_apex', '@ CNAME a', 1],
    ['underscore_here', '_a A 192.0.2.1', 1],
    ['type_unsupported', 'a LOC 52 22 23.000 N 4 53 32.000 E -2.00m', 1],
    ['ttl_range', 'a 0 TXT x', 1],
    ['ttl_range', 'a 2w TXT x', 1],
    ['set_ttl', 'a 60 TXT x\na 61 TXT y', 2],
    ['escape_number', 'a TXT "\\999"', 1],
    ['name_character', 'a\\.b A 192.0.2.1', 1],
  ])('is refused by %s: %j at line %s', (rule, text, line) => {
    expect(faults(read(text))).toEqual([[line, rule]]);
  });

  it('tells every fault with its line and goes on after each', () => {
    const file = read('a A x\nb A 192.0.2.1\nc TXT "open\nd MX 1\n$GENERATE x\ne A 192.0.2.2\n');
    expect(faults(file)).toEqual([
      [1, 'ipv4_invalid'],
      [3, 'quote_open'],
      [4, 'value_short'],
      [5, 'zone_directive'],
    ]);
    expect(file.records.map(({ name, line }) => [name, line])).toEqual([
      ['b.example.com', 2],
      ['e.example.com', 6],
    ]);
  });

  it('of a server may hold what people may not make', () => {
    const text =
      'a LOC 52 22 23.000 N\nb\\.c A 192.0.2.1\nd 0 TXT x\nd 60 TXT y\ne TYPE65280 \\# 1 ff\n_f A 192.0.2.1\ng MX 10 .';
    const file = read(text, 'example.com', 'served');
    expect(faults(file)).toEqual([]);
    expect(lines(file)).toEqual([
      'a.example.com 3600 LOC 52 22 23.000 N',
      'b\\.c.example.com 3600 A 192.0.2.1',
      'd.example.com 0 TXT x',
      'd.example.com 0 TXT y',
      'e.example.com 60 TYPE65280 \\# 1 ff',
      '_f.example.com 60 A 192.0.2.1',
      'g.example.com 60 MX 10 .',
    ]);
  });

  it('is written with the start of authority first, names in order, disabled records as comments', () => {
    const soa = {
      mname: 'ns1.example.net',
      rname: 'h.example.com',
      serial: 7,
      refresh: 1,
      retry: 2,
      expire: 3,
      minimum: 4,
    };
    const records = [
      record('b A 192.0.2.1'),
      record('a.b TXT x'),
      record('!a MX 10 b'),
      record('@ NS ns1.example.net'),
    ];
    expect(writeZoneFile({ domain: 'example.com', soa, defaultTtl: 60, records })).toBe(`$ORIGIN example.com.
$TTL 60
example.com. 60 IN SOA ns1.example.net. h.example.com. 7 1 2 3 4
example.com. 3600 IN NS ns1.example.net.
; disabled: a.example.com. 3600 IN MX 10 b.example.com.
b.example.com. 3600 IN A 192.0.2.1
a.b.example.com. 3600 IN TXT "x"
`);
  });

  it('that is written is read as the same records, whatever they hold', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 10 }).map((label) => rdataName(label));
    const data = fc.tuple(fc.constantFrom(...recordTypes, 'LOC', 'URI', 'TYPE65280'), fc.uint8Array({ maxLength: 60 }));
    const records = fc.array(fc.tuple(name, data, fc.integer({ min: 0, max: 2 ** 31 - 1 })), { maxLength: 20 });
    fc.assert(
      fc.property(records, (some) => {
        const made = some.flatMap(([owner, [type, octets], ttl]): DnsRecord[] => {
          try {
            const value = rdataToValue(type, octets, 0, octets.length);
            return [{ name: `${owner}.example.com`, type, ttl, value, enabled: true }];
          } catch {
            return [];
          }
        });
        const sets = new Map(made.map((one) => [`${one.name} ${one.type}`, one]));
        const written = [...sets.values()];
        const text = writeZoneFile({ domain: 'example.com', soa: null, defaultTtl: 60, records: written });
        const file = read(text, 'example.com', 'served');
        expect(faults(file)).toEqual([]);
        expect(lines(file).sort()).toEqual(lines({ records: written }).sort());
      }),
      { numRuns: 300 },
    );
  });

  const rdataName = (label: Uint8Array): string =>
    rdataToValue('NS', Uint8Array.from([label.length, ...label, 0]), 0, label.length + 2);

  it('of any text is read without an error of ours', () => {
    const pieces = fc.constantFrom(
      'a',
      ' ',
      '\n',
      '(',
      ')',
      '"',
      ';',
      '\\',
      '$TTL',
      '$ORIGIN ',
      '@',
      'IN',
      'A',
      'TXT',
      '60',
      '=',
      '\r\n',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(pieces, fc.string({ unit: 'grapheme', maxLength: 3 })), { maxLength: 60 }),
        (some) => {
          for (const rules of ['input', 'served'] as const) {
            const count = some.join('').split('\n').length;
            for (const { line } of read(some.join(''), 'example.com', rules).faults)
              expect(line).toBeLessThanOrEqual(count);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of megabytes is read in linear time, whatever it holds', () => {
    const size = 2 * 1024 * 1024;
    const hostile = [
      '(',
      '"',
      '\\',
      'a',
      '@',
      ' ',
      '\n',
      'a\n',
      '"\\\n',
      'a TXT "',
      '((\n',
      ';',
      'a=',
      '="',
      '$',
      'a.',
      '\\000',
    ];
    for (const piece of hostile) {
      const { faults: found, records } = read(piece.repeat(Math.floor(size / piece.length)));
      expect(found.length).toBeLessThanOrEqual(mostFaults);
      expect(records).toEqual([]);
    }
  });

  it('has at most 100,000 records', () => {
    const text = Array.from({ length: mostRecords + 2 }, (_, n) => `a${n} A 192.0.2.1`).join('\n');
    expect(faults(read(text))).toEqual([[mostRecords + 1, 'domain_records']]);
  });
});
