// A probe of an instance over HTTP. Private networks are what an operations tool is for; what is never called is what hands
// out a machine's own credentials, and Slipway's own servers. Addresses are checked in the connection's own lookup, so that
// a name cannot change its mind in between. Nothing of an answer but its status is looked at, or told.
import { lookup as find } from 'node:dns/promises';
import { lookup } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheck } from '../../workflows/deploy/contract.ts';

export type HttpCheck = Extract<HealthCheck, { url: string }>;

const betweenMs = 1_000;
const never = new BlockList();
never.addSubnet('169.254.0.0', 16, 'ipv4');
never.addAddress('100.100.100.200', 'ipv4');
never.addSubnet('0.0.0.0', 8, 'ipv4');
never.addSubnet('fe80::', 10, 'ipv6');
never.addAddress('fd00:ec2::254', 'ipv6');
never.addAddress('::', 'ipv6');

class NotAllowed extends Error {}

/** The addresses that `host:port` servers have now. */
async function addressesOf(servers: readonly string[]): Promise<Set<string>> {
  const found = await Promise.all(
    servers.map(async (server) => {
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(server) ?? [];
      const addresses = await find(host.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
      return addresses.map(({ address }) => `${plain(address)} ${port}`);
    }),
  );
  return new Set(found.flat());
}

/** An IPv4 address in IPv6 clothes is that IPv4 address. */
const plain = (address: string): string => address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');

function ensureAllowed(address: string, port: string, own: ReadonlySet<string>): void {
  const bare = plain(address);
  const refused = isIP(bare) === 0 || never.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
  if (refused) throw new NotAllowed('its address is link-local or a metadata service, which is never called');
  const loopback = bare === '::1' ? '127.0.0.1' : bare;
  if (own.has(`${bare} ${port}`) || own.has(`${loopback} ${port}`))
    throw new NotAllowed("it is one of Slipway's own servers, which is never called");
}

const lookupFor =
  (port: string, own: ReadonlySet<string>): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 4);
      try {
        for (const { address } of found) ensureAllowed(address, port, own);
      } catch (refused) {
        return callback(refused as Error, '', 4);
      }
      const [first] = found;
      if (options.all) callback(null, found);
      else callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };

/** Why an instance does not pass, for a person; null: it does. */
export async function probe(
  { url: template, expect_status: expected, timeout_seconds: timeout, retries }: HttpCheck,
  { hostname, ip }: { hostname: string; ip: string | null },
  ownServers: readonly string[],
): Promise<string | null> {
  if (ip === null && template.includes('{{ip}}')) return 'its host has no address';
  const literal = ip !== null && isIP(ip) === 6 ? `[${ip}]` : (ip ?? '');
  const text = template.replaceAll('{{ip}}', literal).replaceAll('{{hostname}}', hostname);
  if (!URL.canParse(text)) return `${template} is no address for it`;
  const url = new URL(text);
  const own = await addressesOf(ownServers);
  let failure = '';
  for (let attempt = 0; attempt <= retries; attempt += 1) {
    if (attempt > 0) await sleep(betweenMs);
    try {
      const status = await ask(url, timeout * 1000, own);
      if (status === expected) return null;
      failure = `answers ${status}, not ${expected}`;
    } catch (error) {
      if (error instanceof NotAllowed) return error.message;
      failure = error instanceof Error && 'code' in error ? `no answer (${String(error.code)})` : 'no answer';
    }
  }
  return failure;
}

function ask(url: URL, timeoutMs: number, own: ReadonlySet<string>): Promise<number> {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) ensureAllowed(host, port, own);
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const options = { lookup: lookupFor(port, own), signal: AbortSignal.timeout(timeoutMs), agent: false } as const;
    const sent = send(url, options, (answer) => {
      answer.destroy();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}
