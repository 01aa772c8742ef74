import fc from 'fast-check';
import { canonicalName, readName, WireFormatError, writeName } from '../../../kit/dns/labels.ts';
import { fromPresentation, rdataToValue, toPresentation, typeName, typeNumber } from '../../../kit/dns/rdata.ts';
import { soaOf, soaToRdata, rdataToSoa, valueToRdata } from '../../../kit/dns/rdata.ts';
import { RefusalError } from '../../../kit/dns/refusals.ts';
import { recordTypes, type AnyRecordType } from '../../../kit/dns/types.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

const fooExampleCom = `03${ascii('foo')}07${ascii('example')}03${ascii('com')}00`;

/** Presentation form as people write it, canonical value, data on the wire, and presentation form as it is printed. */
const vectors: readonly [AnyRecordType, string, string, string, string?][] = [
  ['A', '192.0.2.1', '192.0.2.1', 'c0000201'],
  ['AAAA', '2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1', '20010db8000000000001000000000001'],
  [
    'MX',
    '10 Mail.Example.COM.',
    '10 mail.example.com',
    `000a 04${ascii('mail')}07${ascii('example')}03${ascii('com')}00`,
  ],
  ['MX', '0 .', '0 .', '0000 00'],
  ['SRV', '0 5 5060 foo.example.com.', '0 5 5060 foo.example.com', `0000 0005 13c4 ${fooExampleCom}`],
  // RFC 4034, 5.4
  [
    'DS',
    '60485 5 1 ( 2BB183AF5F22588179A53B0A 98631FAD1A292118 )'.replace(/[()]/g, ''),
    '60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118',
    'ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118',
  ],
  // RFC 4255, 3.2
  [
    'SSHFP',
    '2 1 123456789abcdef67890123456789abcdef67890',
    '2 1 123456789abcdef67890123456789abcdef67890',
    '02 01 123456789abcdef67890123456789abcdef67890',
  ],
  // RFC 6698, 2.3
  [
    'TLSA',
    '0 0 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971',
    '0 0 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971',
    '00 00 01 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971',
  ],
  // RFC 8659, 4
  ['CAA', '0 issue "ca1.example.net"', '0 issue "ca1.example.net"', `00 05 ${ascii('issueca1.example.net')}`],
  ['CAA', '128 tbs Unknown', '128 tbs "Unknown"', `80 03 ${ascii('tbsUnknown')}`, '128 tbs "Unknown"'],
  // RFC 3403, 6.2
  [
    'NAPTR',
    '100 50 "a" "z3950+N2L+N2C" "" cidserver.example.com.',
    '100 50 "a" "z3950+N2L+N2C" "" cidserver.example.com',
    `0064 0032 0161 0d${ascii('z3950+N2L+N2C')} 00 09${ascii('cidserver')}07${ascii('example')}03${ascii('com')}00`,
  ],
  [
    'NAPTR',
    String.raw`100 10 "u" "E2U+sip" "!^.*$!sip:\\1@example.com!" .`,
    String.raw`100 10 "u" "E2U+sip" "!^.*$!sip:\\1@example.com!" .`,
    `0064 000a 0175 07${ascii('E2U+sip')} 19${ascii(String.raw`!^.*$!sip:\1@example.com!`)} 00`,
  ],
  ['TXT', '"v=spf1 -all"', 'v=spf1 -all', `0b${ascii('v=spf1 -all')}`],
  ['TXT', '"ab" "cd"', 'abcd', `04${ascii('abcd')}`, '"abcd"'],
  ['TXT', '""', '""', '00'],
  ['TXT', String.raw`"a\"b\\c\;d"`, String.raw`a"b\c;d`, `07${ascii(String.raw`a"b\c;d`)}`, String.raw`"a\"b\\c;d"`],
  ['TXT', '"\\195\\164"', 'ä', '02c3a4'],
  ['TXT', '"\\000\\255"', '"\\000\\255"', '0200ff'],
  ['TXT', '"\\"quoted\\""', '"\\"quoted\\""', `08${ascii('"quoted"')}`],
  // RFC 9460, D.1 and D.2
  ['HTTPS', '0 foo.example.com.', '0 foo.example.com', `0000 ${fooExampleCom}`],
  ['SVCB', '1 .', '1 .', '0001 00'],
  ['SVCB', '16 foo.example.com. port=53', '16 foo.example.com port=53', `0010 ${fooExampleCom} 0003 0002 0035`],
  [
    'SVCB',
    '1 foo.example.com. key667=hello',
    '1 foo.example.com key667=hello',
    `0001 ${fooExampleCom} 029b 0005 ${ascii('hello')}`,
  ],
  [
    'SVCB',
    String.raw`1 foo.example.com. key667="hello\210qoo"`,
    String.raw`1 foo.example.com key667="hello\210qoo"`,
    `0001 ${fooExampleCom} 029b 0009 68656c6c6fd2716f6f`,
  ],
  [
    'SVCB',
    '1 foo.example.com. ( ipv6hint="2001:db8::1,2001:db8::53:1" )'.replace(/[()]/g, ''),
    '1 foo.example.com ipv6hint=2001:db8::1,2001:db8::53:1',
    `0001 ${fooExampleCom} 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001`,
    '1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1',
  ],
  [
    'SVCB',
    '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
    '1 example.com ipv6hint=2001:db8:122:344::c000:221',
    `0001 07${ascii('example')}03${ascii('com')}00 0006 0010 20010db8012203440000 0000 c0000221`,
    '1 example.com. ipv6hint=2001:db8:122:344::c000:221',
  ],
  [
    'SVCB',
    '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
    '16 foo.example.org mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1',
    `0010 03${ascii('foo')}07${ascii('example')}03${ascii('org')}00 0000 0004 0001 0004 0001 0009 02${ascii('h2')}05${ascii('h3-19')} 0004 0004 c0000201`,
    '16 foo.example.org. mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1',
  ],
  [
    'SVCB',
    String.raw`16 foo.example.org. alpn="f\\\\oo\\,bar,h2"`,
    String.raw`16 foo.example.org alpn="f\\\\oo\\,bar,h2"`,
    `0010 03${ascii('foo')}07${ascii('example')}03${ascii('org')}00 0001 000c 08665c6f6f2c626172 026832`,
  ],
  [
    'SVCB',
    String.raw`16 foo.example.org. alpn=f\\\092oo\092,bar,h2`,
    String.raw`16 foo.example.org alpn="f\\\\oo\\,bar,h2"`,
    `0010 03${ascii('foo')}07${ascii('example')}03${ascii('org')}00 0001 000c 08665c6f6f2c626172 026832`,
    String.raw`16 foo.example.org. alpn="f\\\\oo\\,bar,h2"`,
  ],
  [
    'HTTPS',
    '1 . dohpath=/dns-query{?dns}',
    '1 . dohpath=/dns-query{?dns}',
    `0001 00 0007 0010 ${ascii('/dns-query{?dns}')}`,
    '1 . key7=/dns-query{?dns}',
  ],
  // RFC 3597, 5
  ['TYPE731', '\\# 6 abcd ( ef 01 23 45 )'.replace(/[()]/g, ''), '\\# 6 abcdef012345', 'abcdef012345'],
  ['TYPE62347', '\\# 0', '\\# 0', ''],
  ['A', '\\# 4 0A000001', '10.0.0.1', '0a000001', '10.0.0.1'],
  // RFC 7553, 5.2
  [
    'URI',
    '10 1 "ftp://ftp1.example.com/public"',
    '10 1 "ftp://ftp1.example.com/public"',
    `000a 0001 ${ascii('ftp://ftp1.example.com/public')}`,
  ],
  [
    'DNAME',
    'Frobozz-division.acme.example.',
    'frobozz-division.acme.example',
    `10${ascii('frobozz-division')}04${ascii('acme')}07${ascii('example')}00`,
  ],
];

describe('record data', () => {
  const whole = vectors.map(([type, text, value, wire, printed]) => ({ type, text, value, wire, printed }));

  test.each(whole)('$type $text is $value', ({ type, text, value, wire, printed }) => {
    expect(fromPresentation(type, text)).toBe(value);
    expect(hex(valueToRdata(type, value))).toBe(hex(bytes(wire)));
    expect(rdataToValue(type, bytes(wire), 0, bytes(wire).length)).toBe(value);
    const presentation = toPresentation(type, value);
    if (printed !== undefined) expect(presentation).toBe(printed);
    expect(fromPresentation(type, presentation)).toBe(value);
  });

  it('of every type has a vector', () => {
    const untested = recordTypes.filter((type) => !vectors.some(([tested]) => tested === type));
    // Their data is one name, like that of DNAME.
    expect(untested).toEqual(['NS', 'CNAME', 'PTR', 'ALIAS']);
  });

  it('reads compressed names (RFC 1035, 4.1.4)', () => {
    const message = bytes(`0146 0349534904 41525041 00 03464f4f c000 c002 000a c00b`);
    expect(readName(message, 0)).toEqual({ name: 'f.isi.arpa', end: 12 });
    expect(readName(message, 12)).toEqual({ name: 'foo.f.isi.arpa', end: 18 });
    expect(readName(message, 18)).toEqual({ name: 'isi.arpa', end: 20 });
    expect(rdataToValue('MX', message, 20, 4)).toBe('10 .');
  });

  it.each([
    ['a pointer to itself', 'c000'],
    ['a pointer forwards', 'c002 00'],
    ['pointers in a circle', '0161 c000'],
    ['a label past the end', '0561'],
    ['no end', '0161'],
    ['a label of another kind', '4161 00'],
    ['half a pointer', 'c0'],
    ['more than 255 octets', `${`3f${'61'.repeat(63)}`.repeat(4)} 00`],
  ])('refuses a name with %s', (_what, message) => {
    expect(() => readName(bytes(message), 0)).toThrow(WireFormatError);
  });

  it.each([
    ['A', 'c00002'],
    ['A', 'c000020100'],
    ['MX', '000a'],
    ['TXT', '05616263'],
    ['CAA', '00 05 6973'],
    ['SVCB', '0001 00 0003 0001 35'],
    ['SVCB', '0001 00 0004 0004 c0000201 0001 0003 026832'],
    ['SVCB', '0001 00 0001 0003 056832'],
    ['SRV', '0000 0000'],
  ] as const)('refuses %s data %s', (type, wire) => {
    expect(() => rdataToValue(type, bytes(wire), 0, bytes(wire).length)).toThrow(WireFormatError);
  });

  it.each([
    ['SVCB', '1 foo.example.com. key123=abc key123=def'],
    ['SVCB', '1 foo.example.com. mandatory'],
    ['SVCB', '1 foo.example.com. alpn'],
    ['SVCB', '1 foo.example.com. port'],
    ['SVCB', '1 foo.example.com. ipv4hint'],
    ['SVCB', '1 foo.example.com. ipv6hint'],
    ['SVCB', '1 foo.example.com. no-default-alpn=abc'],
    ['SVCB', '1 foo.example.com. mandatory=mandatory'],
    ['SVCB', '1 foo.example.com. mandatory=key123,key123 key123=abc'],
    ['TYPE731', '\\# 3 abcdef01'],
    ['A', '192.0.2.01'],
    ['TXT', '"open'],
    ['TXT', '"\\256"'],
  ] as const)('refuses %s %s (RFC 9460, D.3, RFC 3597)', (type, text) => {
    expect(() => fromPresentation(type, text)).toThrow(RefusalError);
  });

  it('of a start of authority is read and written whole', () => {
    const soa = soaOf(fromPresentation('SOA', 'NS1.example. john\\.doe.example. 2026120100 3600 900 604800 300'));
    expect(soa).toEqual({
      mname: 'ns1.example',
      rname: 'john\\.doe.example',
      serial: 2026120100,
      refresh: 3600,
      retry: 900,
      expire: 604800,
      minimum: 300,
    });
    const wire = soaToRdata(soa);
    expect(rdataToSoa(wire, 0, wire.length)).toEqual(soa);
  });

  it('has a number for every type, and a type for every number', () => {
    expect([1, 65, 257, 29, 65534].map(typeName)).toEqual(['A', 'HTTPS', 'CAA', 'LOC', 'TYPE65534']);
    expect(['A', 'HTTPS', 'TYPE65280', 'TYPE65536', 'NONE', 'toString'].map(typeNumber)).toEqual([
      1,
      65,
      65280,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('any octets', () => {
  const octets = (maxLength: number) => fc.uint8Array({ maxLength });

  it('as data of a type are refused, or survive every form', () => {
    fc.assert(
      fc.property(fc.constantFrom(...recordTypes, 'URI', 'LOC', 'HINFO'), octets(80), (type, data) => {
        let value: string;
        try {
          value = rdataToValue(type, data, 0, data.length);
        } catch (error) {
          expect(error).toBeInstanceOf(WireFormatError);
          return;
        }
        const wire = valueToRdata(type, value);
        expect(rdataToValue(type, wire, 0, wire.length)).toBe(value);
        expect(fromPresentation(type, toPresentation(type, value))).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('as text of a TXT record survive every form', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          octets(600),
          fc.string({ unit: 'grapheme' }).map((text) => new TextEncoder().encode(text)),
        ),
        (text) => {
          const wire: number[] = [];
          for (let at = 0; at === 0 || at < text.length; at += 255)
            wire.push(Math.min(255, text.length - at), ...text.subarray(at, at + 255));
          const value = rdataToValue('TXT', Uint8Array.from(wire), 0, wire.length);
          expect(hex(valueToRdata('TXT', value))).toBe(hex(Uint8Array.from(wire)));
          expect(fromPresentation('TXT', toPresentation('TXT', value))).toBe(value);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('as labels of a name survive as text', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 8 }), (labels) => {
        const lower = (octet: number): number => (octet >= 65 && octet <= 90 ? octet + 32 : octet);
        const wire = Uint8Array.from([...labels.flatMap((one) => [one.length, ...one]), 0]);
        const { name, end } = readName(wire, 0);
        expect(end).toBe(wire.length);
        expect(hex(writeName(name))).toBe(
          hex(Uint8Array.from([...labels.flatMap((one) => [one.length, ...Array.from(one, lower)]), 0])),
        );
        expect(canonicalName(name)).toBe(name);
        expect(canonicalName(`${name}.`.replace(/^\.\.$/, '.'))).toBe(name);
      }),
      { numRuns: 200 },
    );
  });
});
