// BIND's driver against the BIND of Debian.
import type { BindAccess } from '../../activities/providers/dns/access.ts';
import { createBind } from '../../activities/providers/dns/bind/bind.ts';
import type { DnsDriver, ServerSet } from '../../activities/providers/dns/driver.ts';
import {
  DnsClockError,
  DnsKeyError,
  DnsNotAppliedError,
  DnsRefusedError,
  DnsSetsDifferError,
  DnsZonesFixedError,
} from '../../activities/providers/dns/errors.ts';
import { dnsNetwork } from '../../activities/providers/dns/network.ts';
import type { DnsNetwork } from '../../activities/providers/dns/network.ts';
import { toPresentation } from '../../kit/dns/rdata.ts';
import { eventually, unique } from '../support/harness.ts';
import { aBindKey, startBind } from '../support/servers/bind.ts';
import type { BindServer } from '../support/servers/bind.ts';
import { freePort } from '../support/servers/process.ts';
import { added, aSet, aZone, dnsSuite, failureOf, removed, replaced } from './dns.suite.ts';

const key = aBindKey('slipway');
let server: BindServer;
let seedPort: number;

const network = (): DnsNetwork => dnsNetwork({ allowedNetworks: [], caFile: undefined, own: [] });

function driver(wish: Partial<BindAccess> = {}): DnsDriver {
  const access: BindAccess = {
    type: 'bind',
    server: 'the BIND',
    endpoint: `http://127.0.0.1:${server.statisticsPort}/`,
    dnsPort: server.dnsPort,
    tsig: key,
    view: null,
    rndcPort: server.rndcPort,
    rndc: server.rndcKey,
    zoneSeed: { from: 'transfer' },
    zoneFilePattern: '{zone}.db',
    catalog: null,
    ...wish,
  };
  return createBind(access, network(), { listen: { host: '127.0.0.1', port: seedPort } });
}

/** As another client of the server. */
function write(
  zone: string,
  { name, type }: { name: string; type: string },
  set: { ttl: number; values: string[] } | null,
) {
  const added =
    set?.values.map((value) => `update add ${name}. ${set.ttl} ${type} ${toPresentation(type, value)}`) ?? [];
  server.nsupdate(key, `zone ${zone}`, `update delete ${name}. ${type}`, ...added);
}

const otherKey = aBindKey('other', 'hmac-sha512');
const zoneText =
  '$TTL 300\n@ IN SOA ns1.example.net. hostmaster.example.net. 7 7200 900 1209600 300\n@ IN NS ns1.example.net.\n';
const rights = 'allow-update { key slipway; }; allow-transfer { key slipway; };';
const configured = [
  `zone "conf.example" { type primary; file "conf.db"; ${rights} };`,
  `zone "signed.example" { type primary; file "signed.db"; ${rights} dnssec-policy default; };`,
  'zone "closed.example" { type primary; file "closed.db"; allow-transfer { none; }; };',
  '',
].join('\n');

dnsSuite('BIND', async () => {
  server = await startBind({
    keys: [key, otherKey],
    zones: configured,
    files: { 'conf.db': zoneText, 'signed.db': zoneText, 'closed.db': zoneText },
  });
  seedPort = await freePort();
  return {
    driver: driver(),
    another: () => driver(),
    behind: async (zone, set, wish) => write(zone, set, wish),
    secrets: [key.secret, server.rndcKey.secret],
    close: () => server.stop(),
  };
});

async function aNewZone(...sets: ((zone: string) => ServerSet)[]): Promise<string> {
  const zone = `z${unique()}.example`;
  await driver().createZone(aZone(zone, ...sets.map((of) => of(zone))));
  return zone;
}

const noSecrets = (error: Error): void => {
  for (const secret of [key.secret, otherKey.secret, server.rndcKey.secret])
    expect(error.message).not.toContain(secret);
};

describe('what BIND accepts and does not do', () => {
  const a = (zone: string): ServerSet => aSet(`a.${zone}`, 'A', ['192.0.2.1']);
  const alias = (zone: string): ServerSet => aSet(`alias.${zone}`, 'CNAME', ['a.example.org']);

  test.each<[string, (zone: string) => ServerSet]>([
    ['a CNAME beside an address', (zone) => aSet(`a.${zone}`, 'CNAME', ['x.example.org'])],
    ['an address beside a CNAME', (zone) => aSet(`alias.${zone}`, 'A', ['192.0.2.2'])],
    ['two values of a CNAME', (zone) => aSet(`new.${zone}`, 'CNAME', ['x.example.org', 'y.example.org'])],
  ])('is told, and the rest of the change taken back: %s', async (_what, of) => {
    const zone = await aNewZone(a, alias);
    const wrong = of(zone);
    const beside = aSet(`beside.${zone}`, 'A', ['192.0.2.3']);
    const error = await failureOf(driver().change(zone, [added(beside), added(wrong)]));
    expect(error).toBeInstanceOf(DnsNotAppliedError);
    expect(error).toMatchObject({ sets: [{ name: wrong.name, type: wrong.type }], takenBack: true, untouched: true });
    const names = (await driver().read(zone)).sets.map(({ name, type }) => `${name} ${type}`).sort();
    expect(names).toEqual([`a.${zone} A`, `alias.${zone} CNAME`, `${zone} NS`].sort());
  });

  test('is told: the last name server of the apex stays', async () => {
    const zone = await aNewZone();
    const ns = aZone(zone).sets[0] as ServerSet;
    const error = await failureOf(driver().change(zone, [removed(ns)]));
    expect(error).toBeInstanceOf(DnsNotAppliedError);
    expect(await driver().readSets(zone, [ns])).toEqual([{ ...ns, values: expect.arrayContaining([...ns.values]) }]);
  });
});

describe('two writers of one set on BIND', () => {
  test('never lose a record: one of many at once wins whole, the others are told that the set differs', async () => {
    const zone = await aNewZone((name) => aSet(`a.${name}`, 'A', ['192.0.2.1']));
    const before = aSet(`a.${zone}`, 'A', ['192.0.2.1']);
    const writers = Array.from({ length: 10 }, (_, index) =>
      driver()
        .change(zone, [replaced(before, { values: [`192.0.2.${100 + index}`, `192.0.2.${200 + index}`] })])
        .then(
          () => index,
          (error: unknown) => error,
        ),
    );
    const outcomes = await Promise.all(writers);
    const winners = outcomes.filter((one) => typeof one === 'number');
    expect(winners).toHaveLength(1);
    for (const other of outcomes.filter((one) => typeof one !== 'number'))
      expect(other).toBeInstanceOf(DnsSetsDifferError);
    const [left] = await driver().readSets(zone, [before]);
    expect(left?.values.length).toBe(2);
    expect([...(left?.values ?? [])].sort()).toEqual([
      `192.0.2.${100 + Number(winners[0])}`,
      `192.0.2.${200 + Number(winners[0])}`,
    ]);
  });
});

describe('the keys of BIND', () => {
  test.each<[string, Partial<BindAccess>, string]>([
    ['another secret', { tsig: { ...key, secret: otherKey.secret } }, 'BADSIG'],
    ['an unknown name', { tsig: { ...key, name: 'nobody' } }, 'BADKEY'],
    ['another algorithm', { tsig: { ...key, algorithm: 'hmac-sha384' } }, 'BADKEY'],
  ])('are refused with %s, and nothing is told of them', async (_what, wish, word) => {
    const wrong = driver(wish);
    for (const call of [() => wrong.check(), () => wrong.read('conf.example'), () => wrong.soa('conf.example')]) {
      const error = await failureOf(call());
      expect(error).toBeInstanceOf(DnsKeyError);
      expect(error.message).toContain(word);
      noSecrets(error);
    }
  });

  test('sign by SHA-512 too, and what one may not do is refused', async () => {
    const other = driver({ tsig: otherKey });
    expect(await other.soa('conf.example')).toMatchObject({ serial: 7 });
    const change = [added(aSet('a.conf.example', 'A', ['192.0.2.1']))];
    for (const call of [() => other.read('conf.example'), () => other.change('conf.example', change)]) {
      const error = await failureOf(call());
      expect(error).toBeInstanceOf(DnsRefusedError);
      expect(error.message).toContain('REFUSED');
    }
  });

  test('are of no use when the clocks differ, and by how much is told', async () => {
    const spy = jest
      .spyOn(Date, 'now')
      .mockImplementation(() => performance.timeOrigin + performance.now() - 3_600_000);
    try {
      const error = await failureOf(driver().soa('conf.example'));
      expect(error).toBeInstanceOf(DnsClockError);
      expect(Math.abs(error instanceof DnsClockError ? (error.aheadSeconds ?? 0) : 0) - 3_600).toBeLessThan(30);
      expect(error.message).toMatch(/clock is 3[56]\d\d s ahead of Slipway's/);
      expect(await failureOf(driver().createZone(aZone('x.example')))).toBeInstanceOf(DnsKeyError);
    } finally {
      spy.mockRestore();
    }
  });

  test('of rndc: a wrong one is refused, and without one zones are adopted only', async () => {
    const wrong = driver({ rndc: { ...server.rndcKey, secret: otherKey.secret } });
    const error = await failureOf(wrong.check());
    expect(error).toBeInstanceOf(DnsKeyError);
    noSecrets(error);
    const none = driver({ rndc: null, endpoint: `dns://127.0.0.1:${server.dnsPort}`, dnsPort: null });
    expect(await none.check()).toMatchObject({ canCreateZones: false, version: expect.stringMatching(/^9\./) });
    expect(await none.zones()).toBeNull();
    expect(await none.zone('conf.example')).toMatchObject({ kind: 'primary', dnssec: 'unsigned' });
    expect(await failureOf(none.createZone(aZone('x.example')))).toBeInstanceOf(DnsZonesFixedError);
    expect(await none.removable('conf.example')).toMatch(/rndc_secret/);
  });

  test('without one, updates go unsigned, and the check says so', async () => {
    expect(await driver({ tsig: null }).check()).toMatchObject({ detail: expect.stringContaining('unsigned') });
  });
});

describe('zones of BIND', () => {
  test('of named.conf are not removed', async () => {
    expect(await driver().removable('conf.example')).toMatch(/named\.conf/);
    const error = await failureOf(driver().deleteZone('conf.example'));
    expect(error).toBeInstanceOf(DnsZonesFixedError);
    expect(await driver().soa('conf.example')).toMatchObject({ serial: 7 });
  });

  test('that are signed are changed like others, and their signatures are no records', async () => {
    await eventually(async () => (await driver().zone('signed.example')).dnssec === 'signed', { timeout: 60_000 });
    expect(await driver({ rndc: null }).zone('signed.example')).toMatchObject({ dnssec: 'signed', kind: 'primary' });
    const set = aSet('a.signed.example', 'A', ['192.0.2.1']);
    expect(await driver().change('signed.example', [added(set)])).toMatchObject({ effect: 'changed' });
    const types = (await driver().read('signed.example')).sets.map(({ type }) => type).sort();
    expect(types).toEqual(['A', 'NS']);
  });

  test('are refused where their transfer is', async () => {
    const error = await failureOf(driver().read('closed.example'));
    expect(error).toBeInstanceOf(DnsRefusedError);
    expect(error.message).toBe('the BIND: it refuses the transfer of closed.example to this key (REFUSED)');
  });

  test('come by a file that lies there, with the records that are wished and no others', async () => {
    const zone = `z${unique()}.example`;
    server.write(`${zone}.db`, `${zoneText}old IN A 192.0.2.99\n`);
    const wish = aZone(zone, aSet(`a.${zone}`, 'A', ['192.0.2.1']));
    await driver({ zoneSeed: { from: 'existing_file' } }).createZone(wish);
    const { sets } = await driver().read(zone);
    expect(sets.map(({ name, type }) => `${name} ${type}`).sort()).toEqual([`a.${zone} A`, `${zone} NS`].sort());
    const missing = await failureOf(
      driver({ zoneSeed: { from: 'existing_file' } }).createZone(aZone('nofile.example')),
    );
    expect(missing).toBeInstanceOf(DnsRefusedError);
    expect(missing.message).toContain('"nofile.example.db"');
  });

  test('below in-addr.arpa may have a slash (RFC 2317)', async () => {
    const zone = `0/25.${unique()}.2.0.192.in-addr.arpa`;
    const wish = aZone(zone, aSet(`1.${zone}`, 'PTR', ['a.example.org']));
    await driver().createZone(wish);
    expect((await driver().read(zone)).sets).toHaveLength(2);
    expect((await driver().zones())?.map(({ name }) => name)).toContain(zone);
    await driver().deleteZone(zone);
    await eventually(() => server.file(`${zone.replace('/', '-')}.db`) === undefined);
  });

  test('with more records than one message holds are created and read whole', async () => {
    const zone = `z${unique()}.example`;
    const many = Array.from({ length: 5_000 }, (_, index) =>
      aSet(`host-${index}.${zone}`, 'A', [`198.51.${Math.floor(index / 250)}.${index % 250}`]),
    );
    await driver().createZone(aZone(zone, ...many));
    expect((await driver().read(zone)).sets).toHaveLength(5_001);
  });
});

describe('a BIND with views', () => {
  const inside = aBindKey('inside');
  const outside = aBindKey('outside', 'hmac-sha384');
  let viewed: BindServer;
  let second: BindServer;
  const view = (name: string): string =>
    [
      `view "${name}" {`,
      `match-clients { key "${name}"; };`,
      `zone "split.example" { type primary; file "${name}.db"; allow-update { key "${name}"; }; allow-transfer { key "${name}"; }; };`,
      '};\n',
    ].join('\n');
  const of = (name: 'inside' | 'outside', wish: Partial<BindAccess> = {}): DnsDriver =>
    driver({
      server: `the BIND ${name}`,
      endpoint: `http://127.0.0.1:${viewed.statisticsPort}/`,
      dnsPort: viewed.dnsPort,
      tsig: name === 'inside' ? inside : outside,
      view: name,
      rndc: viewed.rndcKey,
      rndcPort: viewed.rndcPort,
      zoneFilePattern: `${name}-{zone}.db`,
      ...wish,
    });

  beforeAll(async () => {
    viewed = await startBind({
      keys: [inside, outside],
      rndcKey: aBindKey('control', 'hmac-sha512'),
      zones: view('inside') + view('outside'),
      files: { 'inside.db': zoneText, 'outside.db': zoneText },
    });
    second = await startBind({
      keys: [key, inside],
      allowsNewZones: false,
      zones: `zone "split.example" { type secondary; file "split.db"; primaries { 127.0.0.1 port ${viewed.dnsPort} key "inside"; }; allow-transfer { key slipway; }; };\n`,
    });
  });
  afterAll(async () => {
    await viewed.stop();
    await second.stop();
  });

  test('has zones of one name in each, told apart by key and view', async () => {
    const [here, there] = [of('inside'), of('outside')];
    const change = (value: string) => [added(aSet('a.split.example', 'A', [value]))];
    await here.change('split.example', change('10.0.0.1'));
    await there.change('split.example', change('192.0.2.1'));
    const key = { name: 'a.split.example', type: 'A' };
    expect((await here.readSets('split.example', [key]))[0]?.values).toEqual(['10.0.0.1']);
    expect((await there.readSets('split.example', [key]))[0]?.values).toEqual(['192.0.2.1']);
    expect(await here.check()).toMatchObject({ canCreateZones: true });
  });

  test('has a new zone in the view that is set, and not in the other', async () => {
    const zone = `z${unique()}.example`;
    await of('inside').createZone(aZone(zone));
    expect((await of('inside').zones())?.map(({ name }) => name).sort()).toEqual(['split.example', zone].sort());
    expect((await of('outside').zones())?.map(({ name }) => name)).toEqual(['split.example']);
    await of('outside').createZone(aZone(zone));
    await of('inside').deleteZone(zone);
    expect((await of('outside').zones())?.map(({ name }) => name)).toContain(zone);
  });

  test('has a secondary, which is told as such, lists what it fetched, and refuses zones and changes', async () => {
    const reader = driver({
      endpoint: `http://127.0.0.1:${second.statisticsPort}/`,
      dnsPort: second.dnsPort,
      rndc: second.rndcKey,
      rndcPort: second.rndcPort,
    });
    await eventually(
      () =>
        reader.soa('split.example').then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    );
    expect(await reader.zone('split.example')).toMatchObject({ kind: 'secondary' });
    expect(await reader.zones()).toMatchObject([{ name: 'split.example', kind: 'secondary' }]);
    expect(await reader.check()).toMatchObject({ canCreateZones: false });
    const fixed = await failureOf(reader.createZone(aZone('x.example')));
    expect(fixed).toBeInstanceOf(DnsZonesFixedError);
    expect(fixed.message).toContain('allow-new-zones');
    const error = await failureOf(reader.change('split.example', [added(aSet('b.split.example', 'A', ['192.0.2.1']))]));
    expect(error).toBeInstanceOf(DnsRefusedError);
  });
});
