// The driver on every dialect of Zabbix's API: as the double knows it, which refuses what a version does not know.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createZabbix } from '../../activities/providers/monitoring/zabbix.ts';
import type { ZabbixOptions } from '../../activities/providers/monitoring/zabbix.ts';
import { zabbixDouble } from '../support/doubles/zabbix.ts';
import type { ZabbixDouble } from '../support/doubles/zabbix.ts';
import { zabbixTrouble } from '../support/doubles/zabbix-trouble.ts';
import { freePort } from '../../embedded/ports.ts';
import { monitoringSuite } from './monitoring.suite.ts';

const lists = { groups: ['web', 'all'], templates: ['Linux', 'Nginx'] } as const;

async function filled(version: string): Promise<ZabbixDouble> {
  const double = await zabbixDouble(version);
  ['Discovered hosts', ...lists.groups].forEach((name, index) => double.state.groups.set(String(index + 1), name));
  lists.templates.forEach((name, index) => double.state.templates.set(String(index + 100), name));
  return double;
}

const driver = (over: Partial<ZabbixOptions> & { url: string }) =>
  createZabbix({ defaultGroup: 'Discovered hosts', minSeverity: 'average', ...over });

describe.each([
  ['5.0.42', 'body'],
  ['5.4.12', 'body'],
  ['6.2.9', 'body'],
  ['6.4.21', 'header'],
  ['7.0.9', 'header'],
  ['7.2.3', 'header'],
] as const)('as of %s', (version, placement) => {
  monitoringSuite(`Zabbix ${version}`, async () => {
    const double = await filled(version);
    const { state, user, password } = double;
    const trouble = await zabbixTrouble(double.url);
    const open = () => driver({ url: trouble.url, user, password });
    const names = (of: Map<string, string>, ids: string[]) => ids.map((id) => of.get(id) ?? '').sort();
    const hostOf = (name: string) => [...state.hosts.values()].find(({ host }) => host === name);
    return {
      monitoring: open(),
      another: open,
      ...lists,
      secrets: [password],
      look: (name) => {
        const host = hostOf(name);
        if (!host) return null;
        const now = Date.now() / 1000;
        const inMaintenance = [...state.periods.values()].some(
          ({ hostids, active_since: since, active_till: till }) =>
            hostids.includes(host.hostid) && Number(since) <= now && now < Number(till),
        );
        const [groups, templates] = [names(state.groups, host.groups), names(state.templates, host.templates)];
        return { enabled: host.status === '0', inMaintenance, groups, templates };
      },
      periods: (key) => [...state.periods.values()].filter(({ name }) => name === `slipway: ${key}`).length,
      raiseProblem: (name, description) => void hostOf(name)?.problems.push({ description, priority: 4 }),
      meet: (kind) => trouble.next(kind),
      close: async () => {
        expect([...double.placements]).toEqual([placement]);
        await trouble.close();
        await double.close();
      },
    };
  });

  test('a session that has ended is followed by one login across all callers', async () => {
    const double = await filled(version);
    const trouble = await zabbixTrouble(double.url);
    const monitoring = driver({ url: trouble.url, user: double.user, password: double.password });
    await monitoring.ensureHost({ name: 'web-1', addresses: [] }, {});
    double.endSessions();
    trouble.forget();
    await Promise.all(['web-1', 'web-2', 'web-3'].map((name) => monitoring.disableHost(name)));
    expect(trouble.methods.filter((method) => method === 'user.login')).toHaveLength(1);
    expect(trouble.methods).not.toContain('apiinfo.version');
    await trouble.close();
    await double.close();
  });
});

describe('what is no answer of Zabbix', () => {
  const answers: [string, number, string, string][] = [
    ['a page', 200, '<html>it works</html>', 'unavailable'],
    ['a failing server', 502, 'bad gateway', 'unavailable'],
    ['half an answer', 200, '{"jsonrpc":"2.0","resu', 'unavailable'],
    ['an answer of another kind', 200, '{"jsonrpc":"2.0","result":{"no":"version"},"id":1}', 'unavailable'],
    [
      'a frontend without its database',
      200,
      '{"jsonrpc":"2.0","error":{"code":1,"message":"password=x"}}',
      'unavailable',
    ],
    ['another address', 404, '<html>not here</html>', 'refused'],
    ['a way elsewhere', 302, '', 'refused'],
  ];

  test.each(answers)('%s', async (_what, status, body, kind) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end(body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const failure: unknown = await driver({ url, token: 'the-token' })
      .disableHost('x')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ProviderError', kind, provider: 'zabbix' });
    expect(String(failure)).not.toMatch(/password=x|the-token|it works/);
    server.close();
  });

  test('one that does not come within the time', async () => {
    const server = createServer(() => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const slow = driver({ url, token: 'the-token', timeoutMs: 200 });
    await expect(slow.disableHost('x')).rejects.toMatchObject({ kind: 'unavailable' });
    server.closeAllConnections();
    server.close();
  });

  test('nobody at all; and addresses of metadata services are never asked', async () => {
    const nobody = driver({ url: `http://127.0.0.1:${await freePort()}`, token: 'x' });
    await expect(nobody.disableHost('x')).rejects.toMatchObject({ kind: 'unavailable' });
    for (const url of ['http://169.254.169.254', 'http://[fe80::1]/zabbix', 'http://100.100.100.200/api_jsonrpc.php'])
      await expect(driver({ url, token: 'x' }).disableHost('x')).rejects.toMatchObject({ kind: 'refused' });
  });
});
