// PowerDNS's driver against the PowerDNS of Debian.
import { createHttp } from '../../activities/providers/dns/http.ts';
import { dnsNetwork } from '../../activities/providers/dns/network.ts';
import { createPowerDns } from '../../activities/providers/dns/powerdns/powerdns.ts';
import type { PowerDnsAccess } from '../../activities/providers/dns/access.ts';
import type { DnsDriver } from '../../activities/providers/dns/driver.ts';
import { toPresentation } from '../../kit/dns/rdata.ts';
import { startPowerDns } from '../support/servers/powerdns.ts';
import type { PowerDnsServer } from '../support/servers/powerdns.ts';
import { dnsSuite } from './dns.suite.ts';

let server: PowerDnsServer;

function driver(wish: Partial<PowerDnsAccess> = {}): DnsDriver {
  const network = dnsNetwork({ allowedNetworks: [], caFile: undefined, own: [] });
  const access: PowerDnsAccess = {
    type: 'powerdns',
    server: 'the PowerDNS',
    endpoint: server.url,
    apiKey: server.apiKey,
    serverId: 'localhost',
    zoneKind: 'Native',
    catalog: null,
    ...wish,
  };
  return createPowerDns(access, createHttp(access.server, network));
}

async function write(
  zone: string,
  name: string,
  type: string,
  set: { ttl: number; values: string[] } | null,
): Promise<void> {
  const records = set?.values.map((value) => ({ content: toPresentation(type, value), disabled: false }));
  const rrset = set === null ? { changetype: 'DELETE' } : { changetype: 'REPLACE', ttl: set.ttl, records };
  const { status } = await server.api('PATCH', `/zones/${zone}.`, { rrsets: [{ name: `${name}.`, type, ...rrset }] });
  if (status !== 204) throw new Error(`PowerDNS answered ${status}`);
}

dnsSuite('PowerDNS', async () => {
  server = await startPowerDns();
  return {
    driver: driver(),
    another: () => driver(),
    behind: (zone, { name, type }, set) => write(zone, name, type, set),
    secrets: [server.apiKey],
    close: () => server.stop(),
  };
});
