import fc from 'fast-check';
import { unicodeName } from '../../../kit/dns/names.ts';
import { fromPresentation, rdataToValue, toPresentation, valueToRdata } from '../../../kit/dns/rdata.ts';
import { checkDomain, checkRecord, checkTtl } from '../../../kit/dns/records.ts';
import { isConflict, refusalText, refusalTexts, type Refusal, type RefusalRule } from '../../../kit/dns/refusals.ts';
import { recordTypes, type RecordType } from '../../../kit/dns/types.ts';

const domain = 'example.com';
const samples: Readonly<Record<RecordType, string>> = {
  A: '192.0.2.1',
  AAAA: '2001:db8::1',
  CNAME: 'other.example.net',
  NS: 'ns1.example.net',
  PTR: 'host.example.net',
  ALIAS: 'other.example.net',
  MX: '10 mail.example.net',
  TXT: 'text',
  SRV: '0 5 5060 sip.example.net',
  CAA: '0 issue "ca.example.net"',
  HTTPS: '1 . alpn=h2',
  SVCB: '1 svc.example.net port=53',
  DS: `60485 8 2 ${'ab'.repeat(32)}`,
  TLSA: `3 1 1 ${'ab'.repeat(32)}`,
  SSHFP: `4 2 ${'ab'.repeat(32)}`,
  NAPTR: '100 10 "s" "SIP+D2U" "" _sip._udp.example.net',
};

const nameOf = (type: RecordType, text: string, within = domain) =>
  checkRecord({ name: text, type, value: samples[type] }, within);
const refusedName = (type: RecordType, text: string, within = domain): string | undefined => {
  const { refusal } = nameOf(type, text, within);
  return refusal && `${refusal.field} ${refusal.rule}`;
};

describe('an owner name', () => {
  test.each<[RecordType, string, string]>([
    ['A', 'www.example.com', 'www.example.com'],
    ['A', 'WWW.Example.COM.', 'www.example.com'],
    ['A', '@', 'example.com'],
    ['A', 'example.com', 'example.com'],
    ['A', '*.example.com', '*.example.com'],
    ['TXT', '*.a.example.com', '*.a.example.com'],
    ['A', 'bücher.example.com', 'xn--bcher-kva.example.com'],
    ['A', 'BÜCHER.example.com', 'xn--bcher-kva.example.com'],
    ['A', 'faß.example.com', 'xn--fa-hia.example.com'],
    ['A', '例え.example。com', 'xn--r8jz45g.example.com'],
    ['A', 'ｗｗｗ.example.com', 'www.example.com'],
    ['A', 'xn--bcher-kva.example.com', 'xn--bcher-kva.example.com'],
    ['TXT', '_dmarc.שלום.example.com', '_dmarc.xn--9dbne9b.example.com'],
    ['A', 'r3---sn-4g5e.example.com', 'r3---sn-4g5e.example.com'],
    ['A', '1.example.com', '1.example.com'],
    ['CNAME', '_x._domainkey.example.com', '_x._domainkey.example.com'],
    ['SRV', '_sip._tcp.example.com', '_sip._tcp.example.com'],
    ['TLSA', '_443._tcp.www.example.com', '_443._tcp.www.example.com'],
  ])('of %s as %s is %s', (type, text, name) => {
    const { value, refusal } = nameOf(type, text);
    expect(refusal).toBeUndefined();
    expect(value?.name).toBe(name);
    expect(nameOf(type, name).value?.name).toBe(name);
  });

  test.each<[RecordType, string, RefusalRule]>([
    ['A', 'www', 'name_relative'],
    ['A', 'www.example.org', 'name_outside'],
    ['A', 'wwwexample.com', 'name_outside'],
    ['A', 'com', 'name_relative'],
    ['A', '', 'name_empty'],
    ['A', '.', 'name_empty'],
    ['A', '.www.example.com', 'label_empty'],
    ['A', 'a..example.com', 'label_empty'],
    ['A', 'www.example.com..', 'label_empty'],
    ['A', 'a b.example.com', 'name_blank'],
    ['A', ' www.example.com', 'name_blank'],
    ['A', 'a!.example.com', 'name_character'],
    ['A', 'a\\.b.example.com', 'name_character'],
    ['A', '-a.example.com', 'label_hyphen'],
    ['A', 'a-.example.com', 'label_hyphen'],
    ['A', `${'a'.repeat(64)}.example.com`, 'label_length'],
    ['A', `${'a.'.repeat(122)}example.com`, 'name_length'],
    ['A', `${'ü'.repeat(60)}.example.com`, 'label_length'],
    ['A', 'xn--a.example.com', 'label_unmapped'],
    ['A', 'a\u200db.example.com', 'label_unmapped'],
    ['A', '\u{1f4a9}\ud800.example.com', 'label_unmapped'],
    ['A', 'אa.example.com', 'label_unmapped'],
    ['A', 'a.*.example.com', 'wildcard_place'],
    ['A', 'a*.example.com', 'wildcard_place'],
    ['A', '*a.example.com', 'wildcard_place'],
    ['A', '_a.example.com', 'underscore_here'],
    ['MX', '_a.example.com', 'underscore_here'],
    ['AAAA', 'a_b.example.com', 'underscore_here'],
    ['SSHFP', '_a.example.com', 'underscore_here'],
    ['CNAME', '0/25.example.com', 'slash_here'],
    ['SRV', 'sip.example.com', 'srv_owner'],
    ['SRV', '_sip.example.com', 'srv_owner'],
    ['TLSA', '_https._tcp.example.com', 'tlsa_owner'],
    ['TLSA', '_65536._tcp.example.com', 'tlsa_owner'],
  ])('of %s as %j is refused: %s', (type, text, rule) => {
    expect(refusedName(type, text)).toBe(`name ${rule}`);
  });

  it('may have a slash below in-addr.arpa only (RFC 2317)', () => {
    const zone = '2.0.192.in-addr.arpa';
    for (const type of ['NS', 'PTR', 'CNAME'] as const)
      expect(nameOf(type, `0/25.${zone}`, zone).value?.name).toBe(`0/25.${zone}`);
    expect(refusedName('TXT', `0/25.${zone}`, zone)).toBe('name slash_here');
    expect(refusedName('PTR', '0/25.8.b.d.ip6.arpa', '8.b.d.ip6.arpa')).toBe('name slash_here');
    const alias = { name: `1.${zone}`, type: 'CNAME', value: `1.0/25.${zone}` };
    expect(checkRecord(alias, zone).value).toEqual(alias);
  });

  it('is judged by place: apex, reverse domains', () => {
    expect(nameOf('CNAME', '@').refusal).toEqual({ field: 'type', rule: 'cname_apex', params: {} });
    expect(nameOf('DS', '@').refusal?.rule).toBe('ds_apex');
    expect(nameOf('PTR', '1.example.com').refusal?.rule).toBe('ptr_domain');
    const itself = { name: 'a.example.com', type: 'CNAME', value: 'A.example.com.' };
    expect(checkRecord(itself, domain).refusal?.rule).toBe('cname_itself');
  });

  it('is shown to people in their letters', () => {
    expect(unicodeName('_dmarc.xn--bcher-kva.example.com')).toBe('_dmarc.bücher.example.com');
    expect(unicodeName('xn--a.example.com')).toBe('xn--a.example.com');
  });
});

describe('a domain', () => {
  test.each([
    ['Example.COM.', 'example.com'],
    ['_msdcs.corp.example', '_msdcs.corp.example'],
    ['lan', 'lan'],
    ['0/25.2.0.192.in-addr.arpa', '0/25.2.0.192.in-addr.arpa'],
    ['münchen.de', 'xn--mnchen-3ya.de'],
  ])('%s is %s', (text, name) => {
    expect(checkDomain(text)).toEqual({ value: name });
  });

  test.each<[string, RefusalRule]>([
    ['', 'name_empty'],
    ['192.0.2.1', 'name_address'],
    ['2001:db8::1', 'name_address'],
    ['*.example.com', 'wildcard_here'],
    ['0/25.example.com', 'slash_here'],
    ['exa mple.com', 'name_blank'],
  ])('%j is refused: %s', (text, rule) => {
    expect(checkDomain(text).refusal).toMatchObject({ field: 'name', rule });
  });
});

const owners: Partial<Record<RecordType, string>> = { SRV: '_sip._tcp.example.com', TLSA: '_443._tcp.example.com' };
const reverse = '2.0.192.in-addr.arpa';
const withValue = (type: RecordType, value: string) =>
  type === 'PTR'
    ? checkRecord({ name: `1.${reverse}`, type, value }, reverse)
    : checkRecord({ name: owners[type] ?? 'sub.example.com', type, value }, domain);

describe('a value', () => {
  const sha256 = 'AB'.repeat(32);

  test.each<[RecordType, string, string]>([
    ['A', '0.0.0.0', '0.0.0.0'],
    // RFC 5952, 4 and 5
    ['AAAA', '2001:0db8::0001', '2001:db8::1'],
    ['AAAA', '2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['AAAA', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['AAAA', '2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['AAAA', '2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['AAAA', '2001:DB8::AAAA', '2001:db8::aaaa'],
    ['AAAA', '::', '::'],
    ['AAAA', '64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['CNAME', 'Target.Example.NET.', 'target.example.net'],
    ['CNAME', 'bücher.example.net', 'xn--bcher-kva.example.net'],
    ['CNAME', '_x.acm-validations.example.net', '_x.acm-validations.example.net'],
    ['MX', '0 .', '0 .'],
    ['MX', '65535 Mail.example.net.', '65535 mail.example.net'],
    ['SRV', '0 0 0 .', '0 0 0 .'],
    ['TXT', 'v=DMARC1; p=none', 'v=DMARC1; p=none'],
    ['TXT', 'back\\slash', 'back\\slash'],
    ['TXT', '"a" "b"', 'ab'],
    ['TXT', '"a""b"', 'ab'],
    ['TXT', '"v=DKIM1\\; k=rsa"', 'v=DKIM1; k=rsa'],
    ['TXT', '"say \\"hi\\""', 'say "hi"'],
    ['TXT', '"\\"hi\\""', '"\\"hi\\""'],
    ['TXT', '"a" b', '"a" b'],
    ['TXT', '"open', '"open'],
    ['TXT', ' "a"', ' "a"'],
    ['TXT', '""', '""'],
    ['TXT', '', '""'],
    ['TXT', '"\\065\\066"', 'AB'],
    ['TXT', '"line\\010break"', '"line\\010break"'],
    ['TXT', '"\\195\\188"', 'ü'],
    ['TXT', '"\\195"', '"\\195"'],
    ['TXT', '你好', '你好'],
    ['TXT', '\\# 4 0a000001', '\\# 4 0a000001'],
    ['TXT', 'x'.repeat(4096), 'x'.repeat(4096)],
    ['CAA', '0 issue letsencrypt.org; validationmethods=dns-01', '0 issue "letsencrypt.org; validationmethods=dns-01"'],
    ['CAA', '128 ISSUE ";"', '128 issue ";"'],
    ['CAA', '0 iodef "mailto:a@example.com"', '0 iodef "mailto:a@example.com"'],
    ['HTTPS', '1 . port=8443 alpn=h3,h2', '1 . alpn=h3,h2 port=8443'],
    ['HTTPS', '0 svc.example.net.', '0 svc.example.net'],
    ['SVCB', '1 . key3="\\000\\053"', '1 . port=53'],
    ['SVCB', '1 . mandatory=port,alpn port=53 alpn=dot', '1 . mandatory=alpn,port alpn=dot port=53'],
    ['DS', `60485 8 2 ${sha256}`, `60485 8 2 ${sha256.toLowerCase()}`],
    ['DS', `1 13 4 ${'ab'.repeat(48)}`, `1 13 4 ${'ab'.repeat(48)}`],
    ['TLSA', `3 1 1 ${sha256}`, `3 1 1 ${sha256.toLowerCase()}`],
    ['TLSA', '3 0 0 3082', '3 0 0 3082'],
    ['SSHFP', `1 1 ${'ab'.repeat(20)}`, `1 1 ${'ab'.repeat(20)}`],
    ['SSHFP', `6 2 ${sha256}`, `6 2 ${sha256.toLowerCase()}`],
    ['NAPTR', '100 10 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .', '100 10 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .'],
    ['NAPTR', '1 1 "" "" "!^(.*)$!\\\\1!i" .', '1 1 "" "" "!^(.*)$!\\\\1!i" .'],
    ['ALIAS', 'lb.example.net.', 'lb.example.net'],
    ['PTR', 'host.example.net.', 'host.example.net'],
  ])('of %s %j is kept as %j, and kept again as it is shown', (type, text, value) => {
    const first = withValue(type, text);
    expect(first).toEqual({ value: expect.objectContaining({ value }) });
    expect(withValue(type, value).value?.value).toBe(value);
    expect(fromPresentation(type, toPresentation(type, value))).toBe(value);
    const wire = valueToRdata(type, value);
    expect(rdataToValue(type, wire, 0, wire.length)).toBe(value);
  });

  test.each<[RecordType, string, RefusalRule]>([
    ['A', '192.0.2.01', 'ipv4_invalid'],
    ['A', '192.0.2', 'ipv4_invalid'],
    ['A', '192.0.2.256', 'ipv4_invalid'],
    ['A', '\\# 4 0a000001', 'ipv4_invalid'],
    ['A', ' 192.0.2.1', 'value_form'],
    ['A', '', 'value_form'],
    ['AAAA', '::ffff:192.0.2.1', 'ipv6_mapped'],
    ['AAAA', 'fe80::1%eth0', 'ipv6_invalid'],
    ['AAAA', '192.0.2.1', 'ipv6_invalid'],
    ['AAAA', '2001:db8:::1', 'ipv6_invalid'],
    ['CNAME', 'target', 'target_relative'],
    ['CNAME', '192.0.2.1', 'target_address'],
    ['CNAME', '*.example.net', 'wildcard_here'],
    ['CNAME', 'a..example.net', 'label_empty'],
    ['CNAME', 'https://example.net', 'name_character'],
    ['CNAME', '.', 'name_empty'],
    ['NS', '_ns.example.net', 'underscore_here'],
    ['NS', '192.0.2.1', 'target_address'],
    ['PTR', '_a.example.net', 'underscore_here'],
    ['MX', 'mail.example.net', 'value_form'],
    ['MX', '10  mail.example.net', 'value_form'],
    ['MX', '10 192.0.2.1', 'target_address'],
    ['MX', '10 2001:db8::1', 'target_address'],
    ['MX', '65536 mail.example.net', 'number'],
    ['MX', '-1 mail.example.net', 'number'],
    ['MX', '010 mail.example.net', 'number'],
    ['MX', '10 .', 'null_mx_preference'],
    ['MX', '10 _mail.example.net', 'underscore_here'],
    ['SRV', '1 2 sip.example.net', 'value_form'],
    ['SRV', '1 2 70000 sip.example.net', 'number'],
    ['TXT', 'tab\there', 'txt_control'],
    ['TXT', 'line\nbreak', 'txt_control'],
    ['TXT', '"\\256"', 'escape_number'],
    ['TXT', '"\\12"', 'escape_number'],
    ['TXT', '\ud800', 'value_unicode'],
    ['TXT', 'x'.repeat(4097), 'value_length'],
    ['TXT', '你'.repeat(1366), 'value_length'],
    ['CAA', '1 issue "ca.example.net"', 'caa_flags'],
    ['CAA', '0 is-sue "ca.example.net"', 'caa_tag'],
    ['CAA', '0 isuse "ca.example.net"', 'caa_tag_unknown'],
    ['CAA', '0 issue', 'value_form'],
    ['CAA', '0 issue "a" "b"', 'value_form'],
    ['CAA', '0 issue "ü"', 'value_ascii'],
    ['HTTPS', '0 svc.example.net alpn=h2', 'svcb_alias_params'],
    ['HTTPS', '1 . alpn=h2 alpn=h3', 'svcb_key_twice'],
    ['HTTPS', '1 . alpn=h2 key1=h3', 'svcb_key_twice'],
    ['HTTPS', '1 . no-default-alpn', 'svcb_default_alpn'],
    ['HTTPS', '1 . mandatory=port alpn=h2', 'svcb_mandatory_absent'],
    ['HTTPS', '1 . mandatory=mandatory', 'svcb_mandatory'],
    ['HTTPS', '1 . port=65536', 'svcb_port'],
    ['HTTPS', '1 . keys=1', 'svcb_key'],
    ['HTTPS', '1 . key65535=1', 'svcb_key'],
    ['HTTPS', '1 . ipv4hint=2001:db8::1', 'ipv4_invalid'],
    ['HTTPS', '1', 'value_form'],
    ['DS', `1 8 1 ${'ab'.repeat(20)}`, 'number'],
    ['DS', `1 8 3 ${'ab'.repeat(32)}`, 'ds_digest'],
    ['DS', `1 8 2 ${'ab'.repeat(31)}`, 'hex_length'],
    ['DS', `1 8 2 ${'xy'.repeat(32)}`, 'hex_invalid'],
    ['TLSA', `4 1 1 ${'ab'.repeat(32)}`, 'number'],
    ['TLSA', `3 1 2 ${'ab'.repeat(32)}`, 'hex_length'],
    ['SSHFP', `5 2 ${'ab'.repeat(32)}`, 'sshfp_algorithm'],
    ['SSHFP', `4 1 ${'ab'.repeat(32)}`, 'hex_length'],
    ['NAPTR', '1 1 "u" "E2U+sip" "!^.*$!a!" host.example.net', 'naptr_both'],
    ['NAPTR', '1 1 u "E2U+sip" "" host.example.net', 'value_form'],
    ['NAPTR', '1 1 "u" "E2U+sip" "!^.*$!a" .', 'naptr_regexp'],
    ['NAPTR', '1 1 "u" "E2U+sip" "!^.*$!\\\\1!" .', 'naptr_regexp'],
    ['NAPTR', '1 1 "-" "" "" host.example.net', 'naptr_flags'],
    ['ALIAS', 'x', 'target_relative'],
  ])('of %s %j is refused: %s', (type, text, rule) => {
    expect(withValue(type, text).refusal).toMatchObject({ field: 'value', rule });
  });

  it('is refused with a sentence that shows the form', () => {
    const { refusal } = withValue('MX', 'mail.example.net');
    expect(refusal && refusalText(refusal)).toBe('must be written as <0-65535> <host>');
  });

  it('of another type is refused by its type', () => {
    for (const type of ['SOA', 'LOC', 'RRSIG', 'TYPE1', 'toString', ''])
      expect(checkRecord({ name: '@', type, value: 'x' }, domain).refusal).toMatchObject({
        field: 'type',
        rule: 'type_unsupported',
      });
    expect(checkRecord({ name: '@', type: 'aaaa', value: '::1' }, domain).value?.type).toBe('AAAA');
  });

  it('has a time to live of 1 to 604800 seconds', () => {
    expect([1, 604_800].map((ttl) => checkTtl(ttl).value)).toEqual([1, 604_800]);
    for (const ttl of [0, 604_801, 1.5, Number.NaN])
      expect(checkTtl(ttl).refusal).toMatchObject({ field: 'ttl', rule: 'ttl_range' });
  });
});

const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
const unfilled = ({ rule, params }: Refusal): string[] =>
  holes(refusalTexts[rule][0]).filter((name) => params[name] === undefined);

describe('any text', () => {
  it('as a value is refused with a rule, or kept in a form that is kept and served as it is', () => {
    const words = fc.constantFrom(
      '10',
      '0',
      '.',
      'a.example.net',
      '"',
      '\\',
      'alpn=h2',
      'key9="a b"',
      'issue',
      '1',
      '"x"',
    );
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(words).map((some) => some.join(' ')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...recordTypes), text, (type, sent) => {
        const { value: record, refusal } = withValue(type, sent);
        if (refusal) expect(unfilled(refusal)).toEqual([]);
        if (!record) return;
        expect(withValue(type, record.value).value).toEqual(record);
        expect(fromPresentation(type, toPresentation(type, record.value))).toBe(record.value);
        const wire = valueToRdata(type, record.value);
        expect(rdataToValue(type, wire, 0, wire.length)).toBe(record.value);
      }),
      { numRuns: 1000 },
    );
  });

  it('as a name is refused with a rule, or kept in a form that is kept as it is and shown as what means the same', () => {
    const letters = fc.constantFrom('a', 'ü', 'ß', '.', '。', '-', '_', '*', '/', 'xn--', 'א', '1', '\u0301', '例');
    const label = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(letters).map((some) => some.join('')),
    );
    fc.assert(
      fc.property(label, (text) => {
        const { value: record, refusal } = nameOf('TXT', `${text}.example.com`);
        if (refusal) expect(unfilled(refusal)).toEqual([]);
        if (!record) return;
        expect(nameOf('TXT', record.name).value).toEqual(record);
        expect(nameOf('TXT', unicodeName(record.name)).value).toEqual(record);
      }),
      { numRuns: 500 },
    );
  });

  it('of any length is judged in linear time', () => {
    const hostile = [
      '"\\'.repeat(1e6),
      '('.repeat(1e6),
      '\\'.repeat(1e6),
      'a.'.repeat(1e6),
      'ü'.repeat(1e6),
      '" '.repeat(1e6),
    ];
    for (const text of hostile)
      for (const type of recordTypes) {
        expect(withValue(type, text).refusal).toBeDefined();
        expect(nameOf(type, text).refusal).toBeDefined();
      }
  });
});

describe('the texts of refusals', () => {
  it('fill in the same in both languages', () => {
    for (const [english, chinese] of Object.values(refusalTexts))
      for (const hole of holes(chinese)) expect(holes(english)).toContain(hole);
  });

  it('tell what is wrong as it is from what conflicts with the zone', () => {
    expect((['cname_there', 'last_apex_ns', 'record_exists'] as const).every(isConflict)).toBe(true);
    expect((['name_relative', 'ipv4_invalid'] as const).some(isConflict)).toBe(false);
  });
});
