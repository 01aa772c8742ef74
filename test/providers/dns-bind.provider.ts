// BIND's driver against the BIND of Debian.
import type { BindAccess } from '../../activities/providers/dns/access.ts';
import { createBind } from '../../activities/providers/dns/bind/bind.ts';
import type { DnsDriver } from '../../activities/providers/dns/driver.ts';
import { dnsNetwork } from '../../activities/providers/dns/network.ts';
import type { DnsNetwork } from '../../activities/providers/dns/network.ts';
import { toPresentation } from '../../kit/dns/rdata.ts';
import { aBindKey, startBind } from '../support/servers/bind.ts';
import type { BindServer } from '../support/servers/bind.ts';
import { freePort } from '../support/servers/process.ts';
import { dnsSuite } from './dns.suite.ts';

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
function write(zone: string, { name, type }: { name: string; type: string }, set: { ttl: number; values: string[] } | null) {
  const added = set?.values.map((value) => `update add ${name}. ${set.ttl} ${type} ${toPresentation(type, value)}`) ?? [];
  server.nsupdate(key, `zone ${zone}`, `update delete ${name}. ${type}`, ...added);
}

dnsSuite('BIND', async () => {
  server = await startBind({ keys: [key] });
  seedPort = await freePort();
  return {
    driver: driver(),
    another: () => driver(),
    behind: async (zone, set, wish) => write(zone, set, wish),
    secrets: [key.secret, server.rndcKey.secret],
    close: () => server.stop(),
  };
});
