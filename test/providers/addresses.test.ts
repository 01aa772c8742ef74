// One list of addresses that are never called, and everything that calls an address which somebody wrote keeps to it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createSocketServer, isIP } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { probe } from '../../activities/deploy/probe.ts';
import { destinationRule } from '../../activities/providers/addresses.ts';
import { createCaller } from '../../activities/providers/cloud/calls.ts';
import { createCloudStackCall } from '../../activities/providers/cloud/cloudstack-wire.ts';
import { ipmitool } from '../../activities/providers/cloud/ipmitool.ts';
import { createTencentCall } from '../../activities/providers/cloud/tencent-wire.ts';
import { outbound, OutboundClient } from '../../activities/providers/outbound.ts';
import { createDestinations } from '../../activities/providers/repository/destinations.ts';
import { SaltApi } from '../../activities/providers/runner/salt/api.ts';
import { createSshRunner } from '../../activities/providers/runner/ssh/transport.ts';
import { healthUrl } from '../../kit/health-url.ts';
import { checkedLookup } from '../../kit/checked-lookup.ts';
import { isNever, isNeverHost, isPrivate, isThisMachine } from '../../kit/addresses.ts';
import { endpoint } from '../../kit/config/cloud-settings.ts';
import { runnerMistakes } from '../../kit/config/runner-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-addresses-'));
const keyFile = join(folder, 'key');
writeFileSync(keyFile, 'no key\n');
chmodSync(keyFile, 0o600);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As hosts and settings write them; `::ffff:…` is the only way to write IPv4 inside IPv6 that the API takes. */
const never = [
  '169.254.169.254',
  '169.254.1.1',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '0.0.0.0',
  '224.0.0.1',
  '::ffff:a9fe:a9fe',
  '::ffff:169.254.169.254',
  '::ffff:6464:64c8',
  '::ffff:a83f:8110',
  '::ffff:0:0',
  '::',
  'fe80::1',
  'ff02::1',
  'fd00:ec2::254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
];
const fine = ['10.0.0.5', '100.64.0.1', '192.168.1.1', '8.8.8.8', 'fd00::1', '2001:db8::1', '::ffff:a00:5'];

const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address);
const saying = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'called',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
const anywhere = ['0.0.0.0/0', '::/0'];
const brief = { rate: 1_000, timeoutMs: 1_000 };
const ssh = createSshRunner({ user: 'root', keyFile, port: 9, knownHosts: keyFile });

/** Whether a user of the list refuses an address before it calls it. */
const users: [string, (address: string) => Promise<boolean>][] = [
  [
    'a host of SSH',
    async (address) => /never called/.test(await saying(ssh.ping({ name: 'web-1', runner: 'ssh', address }))),
  ],
  [
    'a controller of IPMI',
    async (address) => {
      const access = { address, username: 'u', password: 'p' };
      return /link-local/.test(await saying(ipmitool({ program: '/bin/true', timeoutMs: 1_000 }, 'web-1', access, [])));
    },
  ],
  [
    'the address of a cloud',
    async (address) => !endpoint('x').safeParse(`https://${hostOf(address)}/{region}`).success,
  ],
  [
    'the address of salt-api',
    async (address) => runnerMistakes({ saltUrl: `https://${hostOf(address)}` }).some((one) => /link-local/.test(one)),
  ],
  [
    'a call to a configured system',
    async (address) =>
      /never called/.test(await saying(outbound({ url: new URL(`http://${hostOf(address)}:9/`), method: 'GET' }))),
  ],
  [
    'salt-api itself',
    async (address) => {
      const api = new SaltApi({ url: `https://${hostOf(address)}:9`, user: 'u', password: 'p', eauth: 'pam' });
      return /never called/.test(await saying(api.call({ client: 'runner', fun: 'manage.up' })));
    },
  ],
  [
    'CloudStack',
    async (address) => {
      const account = { type: 'cloudstack', name: 'default', apiKey: 'k', secretKey: 's' } as const;
      const call = createCloudStackCall('x', { ...account, endpoint: `https://${hostOf(address)}:9/` }, 'KEYS', brief);
      return /never called/.test(await saying(call('listZones', {}, z.unknown())));
    },
  ],
  [
    'Tencent Cloud',
    async (address) => {
      const account = { type: 'tencent-cvm', name: 'default', secretId: 'i', secretKey: 's' } as const;
      const service = { name: 'x', service: 'cvm', version: '2017-03-12' } as const;
      const run = { ...brief, run: createCaller('x', 'default', brief) };
      const endpoint = `https://${hostOf(address)}:9`;
      const call = createTencentCall(service, { ...account, endpoint, regions: [] }, 'ap-guangzhou', run);
      return /never called/.test(await saying(call('DescribeZones', {}, z.unknown())));
    },
  ],
  [
    'a server of packages',
    async (address) => {
      const destinations = createDestinations({ allow: anywhere, own: [] });
      return /not a server/.test(await saying(destinations('git', { host: address, port: 443 })));
    },
  ],
  [
    'a health check',
    async (address) => {
      const check = { url: 'http://{{ip}}:9/', expect_status: 200, timeout_seconds: 1, retries: 0 };
      const url = healthUrl(check.url, { hostname: 'web-1', ip: address });
      return /never called/.test((await probe(check, url, { own: [], allows: destinationRule(anywhere) })) ?? '');
    },
  ],
];

describe.each(users)('%s', (_user, refuses) => {
  test.each(never)('is never %s', async (address) => {
    expect([address, await refuses(address)]).toEqual([address, true]);
  });
});

test('what is never called is told apart from private networks, and what is not an address counts as never', () => {
  expect(never.filter((address) => !isNever(address) || isPrivate(address))).toEqual([]);
  expect(fine.filter(isNever)).toEqual([]);
  expect(fine.filter(isPrivate)).toEqual(['10.0.0.5', '100.64.0.1', '192.168.1.1', 'fd00::1', '::ffff:a00:5']);
  expect(['web-1', ''].map(isNever)).toEqual([true, true]);
  expect(['web-1', '[fe80::1]', '10.0.0.5'].map(isNeverHost)).toEqual([false, true, false]);
});

describe('a name', () => {
  const records: Record<string, string[]> = {
    mixed: ['fe80::1', '169.254.169.254', '10.0.0.5', 'fd00::1'],
    bad: ['169.254.169.254', '::ffff:6464:64c8'],
    none: [],
  };
  const resolve = (name: string, all: boolean): Promise<unknown> =>
    new Promise((done) => {
      const look = checkedLookup(name, undefined, (host, _options, answer) => {
        const found = (records[host] ?? []).map((address) => ({ address, family: isIP(address) }));
        answer(null, found);
      });
      look(name, { all }, (error, found) => done(error?.message ?? found));
    });

  test.each([
    [
      'mixed',
      true,
      [
        { address: '10.0.0.5', family: 4 },
        { address: 'fd00::1', family: 6 },
      ],
    ],
    ['mixed', false, '10.0.0.5'],
    ['bad', true, expect.stringContaining('never called')],
    ['bad', false, expect.stringContaining('never called')],
    ['none', false, 'its name has no address'],
  ])('%s is called only at addresses that may be called (all: %s)', async (name, all, expected) => {
    expect(await resolve(name, all)).toEqual(expected);
  });
});

describe('a call', () => {
  let server: Server;
  let url: URL;
  const sockets = new Set<Socket>();
  beforeAll(async () => {
    server = createServer(({ url: path, headers: { host = '' } }, response) => {
      if (path === '/moved') response.writeHead(302, { location: `http://${host}/` }).end();
      else if (path === '/long') response.end(Buffer.alloc(2_000));
      else if (path === '/cut')
        response.writeHead(200, { 'content-length': 9 }).write('half', () => response.destroy());
      else if (path === '/slow') response.writeHead(200).write('and then nothing');
      else response.end(host);
    }).on('connection', (socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = new URL(`http://localhost:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const get = (path: string, limits: object = {}) =>
    outbound({ url: new URL(path, url), method: 'GET', limitBytes: 1_000, ...limits });

  test('follows no redirect', async () => {
    expect((await get('/moved')).status).toBe(302);
  });

  test.each([
    ['/long', {}, 'longer than 1000 bytes'],
    ['/cut', {}, 'no connection (ECONNRESET)'],
    ['/slow', { timeoutMs: 200 }, 'no answer within 0.2 s'],
    ['/slow', { signal: AbortSignal.abort() }, 'the call was cancelled'],
  ])('for %s with %o fails with a reason', async (path, limits, reason) => {
    expect(await saying(get(path, limits))).toContain(reason);
  });

  test('that does not come to a connection in time fails before its whole time', async () => {
    // Accepts TCP, and never answers the handshake.
    const silent = createSocketServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const at = new URL(`https://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
    const failed = await saying(outbound({ url: at, method: 'GET', connectMs: 100, timeoutMs: 60_000 }));
    expect(failed).toBe('no connection within 0.1 s');
    silent.close();
  });

  test('with a secret goes in the clear to private addresses only', async () => {
    expect(await saying(outbound({ url: new URL('http://8.8.8.8/'), method: 'GET', isSecret: true }))).toContain(
      'http is for private addresses only',
    );
    expect((await get('/', { isSecret: true })).status).toBe(200);
  });

  test('never uses a connection that was opened under other rules', async () => {
    const open = new OutboundClient({ connections: 1 });
    sockets.clear();
    for (const path of ['one', 'two']) await open.send({ url: new URL(path, url), method: 'GET' });
    expect(sockets.size).toBe(1);
    expect(await saying(get('/', { allows: () => false }))).toContain('not among those that are allowed');
  });

  test('uses no proxy of the environment, which would resolve names itself', () => {
    const program = `
      const { outbound } = await import('./activities/providers/outbound.ts');
      const answer = await outbound({ url: new URL('${url.href}'), method: 'GET', timeoutMs: 5_000 });
      process.stdout.write(answer.body);`;
    const proxy = 'http://127.0.0.1:9';
    const env = { PATH: process.env['PATH'], NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, http_proxy: proxy };
    return expect(
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env }),
    ).resolves.toMatchObject({ stdout: url.host });
  });
});

describe("the worker's own machine", () => {
  const spelled = [
    '127.0.0.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.1',
    'localhost',
    '[::1]',
    '[::ffff:7f00:1]',
  ];

  test.each(spelled)('is not called by a health check at %s, unless that is allowed', async (host) => {
    let calls = 0;
    const server = createServer((_request, response) => {
      calls += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '::', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://${host}:${port}/`;
    const check = { url, expect_status: 200, timeout_seconds: 5, retries: 0 };
    const refused = await probe(check, url, { own: [], allows: destinationRule([]) });
    expect([refused, calls]).toEqual([expect.stringContaining("the worker's own machine"), 0]);
    const allows = destinationRule(['127.0.0.0/8', '::1']);
    expect(await probe(check, url, { own: [], allows })).toBeNull();
    expect(calls).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });

  test('is known by its loopback and by the addresses of its interfaces', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:7f00:1'].map(isThisMachine)).toEqual([true, true, true, true]);
    expect(['10.255.255.1', '2001:db8::1'].map(isThisMachine)).toEqual([false, false]);
  });

  test('is no server of packages in any of these spellings', async () => {
    const destinations = createDestinations({ allow: [], own: [] });
    for (const host of ['127.0.0.1', '::1', '0x7f000001', '2130706433', 'localhost'])
      expect(await saying(destinations('ftp', { host, port: 21 }))).toContain(
        'not a server that packages may come from',
      );
  });
});
