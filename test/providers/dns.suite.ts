// What every driver of DNS servers keeps to.
import type { DnsDriver, NewZone, ServerSet, SetChange } from '../../activities/providers/dns/driver.ts';
import { DnsSetsDifferError, DnsZoneExistsError, DnsZoneMissingError } from '../../activities/providers/dns/errors.ts';
import { unique } from '../support/harness.ts';

interface DnsBench {
  driver: DnsDriver;
  /** Another worker's driver of the same server. */
  another(): DnsDriver;
  /** Writes a set as somebody else does; null removes it. */
  behind(
    zone: string,
    key: { name: string; type: string },
    set: { ttl: number; values: string[] } | null,
  ): Promise<void>;
  /** Texts that no error may contain. */
  secrets: string[];
  close(): Promise<void>;
}

export const aSet = (name: string, type: string, values: string[], ttl = 300, disabled: string[] = []): ServerSet => ({
  name,
  type,
  ttl,
  values,
  disabled,
});

const newSoa = { rname: 'hostmaster.example.net', refresh: 7200, retry: 900, expire: 1_209_600, minimum: 300 };

export const aZone = (name: string, ...sets: ServerSet[]): NewZone => ({
  name,
  soa: { mname: 'ns1.example.net', ...newSoa },
  soaTtl: 3600,
  sets: [aSet(name, 'NS', ['ns1.example.net', 'ns2.example.net'], 3600), ...sets],
});

export const added = (after: ServerSet): SetChange => ({ name: after.name, type: after.type, before: null, after });
export const removed = (before: ServerSet): SetChange => ({
  name: before.name,
  type: before.type,
  before,
  after: null,
});
export const replaced = (before: ServerSet, change: Partial<ServerSet>): SetChange => ({
  name: before.name,
  type: before.type,
  before,
  after: { ...before, ...change },
});

const inOrder = (sets: readonly ServerSet[]): ServerSet[] =>
  sets
    .map((set) => ({ ...set, values: [...set.values].sort(), disabled: [...set.disabled].sort() }))
    .sort((a, b) => (`${a.name} ${a.type}` < `${b.name} ${b.type}` ? -1 : 1));

export const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error as Error,
  );

const long = 'v=DKIM1; k=rsa; p='.concat('A'.repeat(500));

/** One set of every type, with what is awkward in it. */
const everyType = (zone: string): ServerSet[] => [
  aSet(`a.${zone}`, 'A', ['192.0.2.1', '192.0.2.2']),
  aSet(`a.${zone}`, 'AAAA', ['2001:db8::1', 'fe80::1']),
  aSet(`*.wild.${zone}`, 'A', ['192.0.2.9']),
  aSet(`alias.${zone}`, 'CNAME', [`a.${zone}`]),
  aSet(`mail.${zone}`, 'MX', [`10 a.${zone}`, '20 mx.example.org']),
  aSet(`null.${zone}`, 'MX', ['0 .']),
  aSet(`text.${zone}`, 'TXT', ['v=spf1 -all', 'semi;colon back\\slash "quoted" inside', 'gr\u00fc\u00df', long]),
  aSet(`odd.${zone}`, 'TXT', ['""', '"\\000\\001"', '"\\255\\254"']),
  aSet(`_sip._tcp.${zone}`, 'SRV', [`10 20 5060 a.${zone}`, '0 0 1 other.example.org']),
  aSet(zone, 'CAA', ['0 issue "ca.example.org; account=1"', '128 iodef "mailto:security@example.org"']),
  aSet(`svc.${zone}`, 'HTTPS', ['1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1']),
  aSet(`_dns.${zone}`, 'SVCB', ['0 resolver.example.org']),
  aSet(`_443._tcp.${zone}`, 'TLSA', [`3 1 1 ${'ab'.repeat(32)}`]),
  aSet(`host.${zone}`, 'SSHFP', [`4 2 ${'cd'.repeat(32)}`]),
  aSet(`naptr.${zone}`, 'NAPTR', ['100 10 "u" "E2U+sip" "!^.*$!sip:info@example.org!" .']),
  aSet(`sub.${zone}`, 'NS', [`ns.sub.${zone}`, 'ns.example.org']),
  aSet(`ns.sub.${zone}`, 'A', ['192.0.2.53']),
  aSet(`sub.${zone}`, 'DS', [`12345 13 2 ${'ef'.repeat(32)}`]),
];

export function dnsSuite(kind: string, setUp: () => Promise<DnsBench>): void {
  let bench: DnsBench;
  beforeAll(async () => {
    bench = await setUp();
  });
  afterAll(() => bench.close());

  const newName = (): string => `z${unique()}.example`;
  async function madeZone(...sets: ServerSet[]): Promise<string> {
    const name = newName();
    await bench.driver.createZone(aZone(name, ...sets.map((set) => ({ ...set, name: set.name.replace('@', name) }))));
    return name;
  }
  async function madeWith(of: (zone: string) => ServerSet[]): Promise<string> {
    const name = newName();
    await bench.driver.createZone(aZone(name, ...of(name)));
    return name;
  }
  const setsIn = async (zone: string, ...keys: { name: string; type: string }[]): Promise<ServerSet[]> =>
    inOrder(await bench.driver.readSets(zone, keys));

  describe(`the DNS driver ${kind}`, () => {
    test('checks the server and tells its version', async () => {
      expect(await bench.driver.check()).toMatchObject({ version: expect.stringMatching(/./), canCreateZones: true });
    });

    test('creates a zone with a set of every type, and reads back exactly those', async () => {
      const name = newName();
      const wish = aZone(name, ...everyType(name));
      await bench.driver.createZone(wish);
      const { soa, sets } = await bench.driver.read(name);
      expect(inOrder(sets)).toEqual(inOrder(wish.sets));
      expect(soa).toEqual({ ...wish.soa, serial: expect.any(Number) });
      expect(await bench.driver.soa(name)).toEqual(soa);
      expect(await bench.driver.zone(name)).toEqual({ name, kind: 'primary', dnssec: 'unsigned', serial: soa.serial });
      expect(inOrder(await bench.another().readSets(name, everyType(name)))).toEqual(inOrder(everyType(name)));
    });

    test('lists its zones, refuses one that is there, and removes one as often as it is asked', async () => {
      const name = await madeZone();
      expect((await bench.driver.zones())?.map((zone) => zone.name)).toContain(name);
      expect(await failureOf(bench.driver.createZone(aZone(name)))).toBeInstanceOf(DnsZoneExistsError);
      expect(await bench.driver.removable(name)).toBe(true);
      await bench.driver.deleteZone(name);
      await bench.driver.deleteZone(name);
      expect((await bench.driver.zones())?.map((zone) => zone.name)).not.toContain(name);
      await bench.driver.createZone(aZone(name));
      expect(inOrder((await bench.driver.read(name)).sets)).toEqual(inOrder(aZone(name).sets));
    });

    test.each<[string, (driver: DnsDriver, zone: string) => Promise<unknown>]>([
      ['zone', (driver, zone) => driver.zone(zone)],
      ['soa', (driver, zone) => driver.soa(zone)],
      ['read', (driver, zone) => driver.read(zone)],
      ['readSets', (driver, zone) => driver.readSets(zone, [{ name: `a.${zone}`, type: 'A' }])],
      ['change', (driver, zone) => driver.change(zone, [added(aSet(`a.${zone}`, 'A', ['192.0.2.1']))])],
      ['zoneFile', (driver, zone) => driver.zoneFile(zone)],
    ])('says of a zone that is not there that it is not: %s', async (_method, call) => {
      const error = await failureOf(call(bench.driver, newName()));
      expect(error).toBeInstanceOf(DnsZoneMissingError);
      for (const secret of bench.secrets) expect(error.message).not.toContain(secret);
    });

    test('adds, replaces and removes sets in one change, and the serial grows', async () => {
      const [a, b, c] = ['a', 'b', 'c'] as const;
      const zone = await madeWith((name) => [
        aSet(`${a}.${name}`, 'A', ['192.0.2.1']),
        aSet(`${b}.${name}`, 'A', ['192.0.2.2']),
      ]);
      const first = aSet(`${a}.${zone}`, 'A', ['192.0.2.1']);
      const second = aSet(`${b}.${zone}`, 'A', ['192.0.2.2']);
      const third = aSet(`${c}.${zone}`, 'TXT', ['hello', 'world'], 60);
      const before = await bench.driver.zone(zone);
      const changes = [replaced(first, { values: ['192.0.2.1', '192.0.2.3'], ttl: 60 }), removed(second), added(third)];
      const outcome = await bench.driver.change(zone, changes);
      expect(outcome.effect).toBe('changed');
      expect(outcome.serial).toBeGreaterThan(before.serial ?? 0);
      const kept = inOrder([aSet(`${a}.${zone}`, 'A', ['192.0.2.1', '192.0.2.3'], 60), third]);
      expect(await setsIn(zone, first, second, third)).toEqual(kept);
      expect(await bench.another().change(zone, changes)).toEqual({ serial: outcome.serial, effect: 'already' });
      expect((await bench.driver.zone(zone)).serial).toBe(outcome.serial);
    });

    test.each<[string, { ttl: number; values: string[] } | null]>([
      ['one value more', { ttl: 300, values: ['192.0.2.1', '192.0.2.77'] }],
      ['another value', { ttl: 300, values: ['192.0.2.77'] }],
      ['another TTL', { ttl: 301, values: ['192.0.2.1'] }],
      ['nothing', null],
    ])('changes nothing where somebody else has left %s, and names that set', async (_what, theirs) => {
      const zone = await madeWith((name) => [
        aSet(`a.${name}`, 'A', ['192.0.2.1']),
        aSet(`b.${name}`, 'A', ['192.0.2.2']),
      ]);
      const key = { name: `a.${zone}`, type: 'A' };
      await bench.behind(zone, key, theirs);
      const { serial } = await bench.driver.zone(zone);
      const error = await failureOf(
        bench.driver.change(zone, [
          replaced(aSet(`a.${zone}`, 'A', ['192.0.2.1']), { values: ['192.0.2.5'] }),
          removed(aSet(`b.${zone}`, 'A', ['192.0.2.2'])),
        ]),
      );
      expect(error).toBeInstanceOf(DnsSetsDifferError);
      expect(error).toMatchObject({ sets: [key], untouched: true });
      expect((await bench.driver.zone(zone)).serial).toBe(serial);
      const left = theirs === null ? [] : [aSet(`a.${zone}`, 'A', theirs.values, theirs.ttl)];
      expect(await setsIn(zone, key, { name: `b.${zone}`, type: 'A' })).toEqual(
        inOrder([...left, aSet(`b.${zone}`, 'A', ['192.0.2.2'])]),
      );
    });

    test('adds no set where somebody else has made one', async () => {
      const zone = await madeZone();
      const key = { name: `a.${zone}`, type: 'A' };
      await bench.behind(zone, key, { ttl: 300, values: ['192.0.2.77'] });
      const error = await failureOf(bench.driver.change(zone, [added(aSet(`a.${zone}`, 'A', ['192.0.2.1']))]));
      expect(error).toBeInstanceOf(DnsSetsDifferError);
      expect(await setsIn(zone, key)).toEqual([aSet(`a.${zone}`, 'A', ['192.0.2.77'])]);
    });

    test('turns a CNAME into addresses and back in one change', async () => {
      const zone = await madeZone();
      const [alias, address] = [aSet(`x.${zone}`, 'CNAME', ['y.example.org']), aSet(`x.${zone}`, 'A', ['192.0.2.1'])];
      await bench.driver.change(zone, [added(alias)]);
      await bench.driver.change(zone, [added(address), removed(alias)]);
      expect(await setsIn(zone, alias, address)).toEqual([address]);
      await bench.driver.change(zone, [removed(address), added(alias)]);
      expect(await setsIn(zone, alias, address)).toEqual([alias]);
      await bench.driver.change(zone, [replaced(alias, { values: ['z.example.org'] })]);
      expect(await setsIn(zone, alias, address)).toEqual([{ ...alias, values: ['z.example.org'] }]);
    });

    test('replaces every name server of the apex', async () => {
      const zone = await madeZone();
      const [ns] = await setsIn(zone, { name: zone, type: 'NS' });
      await bench.driver.change(zone, [replaced(ns as ServerSet, { values: ['ns9.example.net'], ttl: 7200 })]);
      expect(await setsIn(zone, { name: zone, type: 'NS' })).toEqual([aSet(zone, 'NS', ['ns9.example.net'], 7200)]);
    });

    test('changes what lies below a delegation and beside a wildcard, and takes neither for a record', async () => {
      const zone = await madeWith((name) => everyType(name));
      const glue = aSet(`ns.sub.${zone}`, 'A', ['192.0.2.53']);
      const below = aSet(`x.wild.${zone}`, 'A', ['192.0.2.10']);
      expect(
        await setsIn(zone, below, { name: `below.sub.${zone}`, type: 'A' }, { name: `alias.${zone}`, type: 'A' }),
      ).toEqual([]);
      await bench.driver.change(zone, [replaced(glue, { values: ['192.0.2.54'] }), added(below)]);
      await bench.driver.change(zone, [removed(below)]);
      expect(await setsIn(zone, glue, below)).toEqual([{ ...glue, values: ['192.0.2.54'] }]);
      const everything = inOrder((await bench.driver.read(zone)).sets);
      expect(everything).toHaveLength(everyType(zone).length + 1);
    });

    test('changes a set of every type, value by value', async () => {
      const zone = await madeWith((name) => everyType(name));
      const some = everyType(zone).filter(({ values }) => values.length > 1);
      await bench.driver.change(
        zone,
        some.map((set) => replaced(set, { values: set.values.slice(1) })),
      );
      expect(await setsIn(zone, ...some)).toEqual(
        inOrder(some.map((set) => ({ ...set, values: set.values.slice(1) }))),
      );
      await bench.driver.change(
        zone,
        some.map((set) => replaced({ ...set, values: set.values.slice(1) }, { values: set.values })),
      );
      expect(await setsIn(zone, ...some)).toEqual(inOrder(some));
      await bench.driver.change(zone, everyType(zone).map(removed));
      expect((await bench.driver.read(zone)).sets.map(({ type }) => type)).toEqual(['NS']);
    });

    test('keeps disabled records where the server can, and says where not', async () => {
      const zone = await madeZone();
      const set = aSet(`a.${zone}`, 'A', ['192.0.2.1', '192.0.2.2']);
      await bench.driver.change(zone, [added(set)]);
      if (!bench.driver.keepsDisabled) return expect((await setsIn(zone, set))[0]?.disabled).toEqual([]);
      const half = { ...set, values: ['192.0.2.1'], disabled: ['192.0.2.2'] };
      await bench.driver.change(zone, [replaced(set, half)]);
      expect(await setsIn(zone, set)).toEqual([half]);
      const none = { ...set, values: [], disabled: ['192.0.2.1', '192.0.2.2'] };
      await bench.driver.change(zone, [replaced(half, none)]);
      expect(inOrder((await bench.driver.read(zone)).sets)).toEqual(inOrder([...aZone(zone).sets, none]));
    });

    test('writes a zone as a master file', async () => {
      const zone = await madeZone(aSet('a.@', 'TXT', ['hello; world']));
      const file = await bench.driver.zoneFile(zone);
      expect(file).toMatch(new RegExp(`^a\\.${zone}\\.\\s+300\\s+IN\\s+TXT\\s+"hello; world"$`, 'm'));
      expect(file).toMatch(/\sIN\s+SOA\s/);
    });
  });
}
