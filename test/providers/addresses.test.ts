// One list of addresses that are never called, and everything that calls an address which somebody wrote keeps to it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probe } from '../../activities/deploy/probe.ts';
import { destinationRule } from '../../activities/providers/addresses.ts';
import { ipmitool } from '../../activities/providers/cloud/ipmitool.ts';
import { outbound } from '../../activities/providers/outbound.ts';
import { createDestinations } from '../../activities/providers/repository/destinations.ts';
import { createSshRunner } from '../../activities/providers/runner/ssh/index.ts';
import { healthUrl } from '../../kit/health-url.ts';
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
