import { isInNetwork, networkOf, ptrAddress, ptrName, reverseZones } from '../../../kit/dns/reverse.ts';
import { checkContact, defaultContact, mailboxOf } from '../../../kit/dns/soa.ts';

describe('a reverse name', () => {
  test.each([
    ['192.0.2.1', '1.2.0.192.in-addr.arpa'],
    // RFC 3596, 2.5
    ['4321:0:1:2:3:4:567:89ab', 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa'],
  ])('of %s is %s, and back', (address, name) => {
    expect(ptrName(address)).toBe(name);
    expect(ptrAddress(name)).toBe(address);
  });

  test.each([
    '2.0.192.in-addr.arpa',
    '256.2.0.192.in-addr.arpa',
    '01.2.0.192.in-addr.arpa',
    '1.ip6.arpa',
    'a.example.com',
  ])('%s is of no address', (name) => {
    expect(ptrAddress(name)).toBeUndefined();
  });

  test.each([
    ['192.0.2.0/24', ['2.0.192.in-addr.arpa']],
    ['192.0.2.77', ['2.0.192.in-addr.arpa']],
    ['192.0.2.0/25', ['2.0.192.in-addr.arpa']],
    ['10.0.0.0/8', ['10.in-addr.arpa']],
    ['192.0.2.0/23', ['2.0.192.in-addr.arpa', '3.0.192.in-addr.arpa']],
    ['0.0.0.0/0', ['in-addr.arpa']],
    ['2001:db8::/32', ['8.b.d.0.1.0.0.2.ip6.arpa']],
    ['2001:db8::/31', ['8.b.d.0.1.0.0.2.ip6.arpa', '9.b.d.0.1.0.0.2.ip6.arpa']],
  ])('of the network %s is in %j', (network, zones) => {
    expect(reverseZones(networkOf(network))).toEqual(zones);
  });

  it('is found by a network', () => {
    expect(isInNetwork('192.0.3.255', networkOf('192.0.2.9/23'))).toBe(true);
    expect(isInNetwork('192.0.4.0', networkOf('192.0.2.0/23'))).toBe(false);
    expect(isInNetwork('2001:db8::5', networkOf('2001:db8::/127'))).toBe(false);
    expect(isInNetwork('2001:db8::1', networkOf('2001:db8::/127'))).toBe(true);
    expect(isInNetwork('::1', networkOf('0.0.0.0/0'))).toBe(false);
    for (const bad of [
      '192.0.2.0/33',
      '192.0.2.0/',
      '192.0.2',
      '::1/129',
      'fe80::1%e/64',
      '1.2.3.4/8/8',
      '10.0.0.0/08',
    ])
      expect(() => networkOf(bad)).toThrow('network');
  });
});

describe('the contact of a start of authority', () => {
  test.each([
    ['hostmaster@example.com', 'hostmaster.example.com', 'hostmaster@example.com'],
    // RFC 1035, 8
    ['Action.domains@ISI.EDU', 'action\\.domains.isi.edu', 'action.domains@isi.edu'],
    ['hostmaster.example.com.', 'hostmaster.example.com', 'hostmaster@example.com'],
    ['action\\.domains.isi.edu', 'action\\.domains.isi.edu', 'action.domains@isi.edu'],
    ['a+b@bücher.example', 'a+b.xn--bcher-kva.example', 'a+b@xn--bcher-kva.example'],
  ])('%s is the name %s and the mailbox %s', (text, name, mailbox) => {
    expect(checkContact(text)).toEqual({ value: name });
    expect(mailboxOf(name)).toBe(mailbox);
  });

  test.each([
    '',
    '@example.com',
    'a@',
    'a b@example.com',
    'a@b@example.com',
    '.a@example.com',
    'a..b@example.com',
    'host',
    'a b.example.com',
    'a@192.0.2.1',
  ])('%j is refused', (text) => {
    expect(checkContact(text).refusal?.field).toBe('soa_contact');
  });

  it('is by default in the domain, below arpa in that of the first name server', () => {
    expect(defaultContact('example.com', ['ns1.example.net'])).toBe('hostmaster.example.com');
    expect(defaultContact('2.0.192.in-addr.arpa', ['ns1.example.net'])).toBe('hostmaster.ns1.example.net');
  });
});
