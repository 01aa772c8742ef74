// PowerDNS of Debian on SQLite, on ports of the loopback, as a user without rights.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../harness.ts';
import { debian } from './install.ts';
import { freePort, listens, startServer } from './process.ts';

const program = '/usr/sbin/pdns_server';
const schema = '/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql';
/** Of Debian, `nobody`. */
const plainUser = 65_534;

export interface PowerDnsServer {
  /** The API's address. */
  url: string;
  apiKey: string;
  /** DNS on the loopback. */
  dnsPort: number;
  sql(statement: string): string;
  /** A call of the API, as another client makes it. */
  api(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }>;
  said(): string;
  stop(): Promise<void>;
}

const settingsFor = (folder: string, database: string, apiKey: string, [apiPort, dnsPort]: [number, number]) => ({
  launch: 'gsqlite3',
  'gsqlite3-database': database,
  'gsqlite3-dnssec': 'yes',
  api: 'yes',
  'api-key': apiKey,
  webserver: 'yes',
  'webserver-address': '127.0.0.1',
  'webserver-port': String(apiPort),
  'local-address': '127.0.0.1',
  'local-port': String(dnsPort),
  'socket-dir': folder,
  'config-dir': folder,
  setuid: String(plainUser),
  setgid: String(plainUser),
  daemon: 'no',
  guardian: 'no',
  'disable-syslog': 'yes',
  'query-cache-ttl': '0',
  'cache-ttl': '0',
});

/** `settings` are further settings of pdns.conf. */
export async function startPowerDns(settings: Record<string, string> = {}): Promise<PowerDnsServer> {
  await debian(program, 'pdns-server', 'pdns-backend-sqlite3', 'sqlite3');
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pdns-'));
  chmodSync(folder, 0o755);
  const database = join(folder, 'zones.sqlite3');
  execFileSync('sqlite3', [database], { input: `pragma journal_mode=wal;\n.read ${schema}\n` });
  for (const file of [folder, database]) chownSync(file, plainUser, plainUser);
  const [apiPort, dnsPort] = [await freePort(), await freePort()];
  const apiKey = 'the-key-of-the-api';
  const all = { ...settingsFor(folder, database, apiKey, [apiPort, dnsPort]), ...settings };
  const server = startServer(program, [
    '--no-config',
    ...Object.entries(all).map(([name, value]) => `--${name}=${value}`),
  ]);
  await eventually(async () => (await listens(apiPort)) && listens(dnsPort), { timeout: 30_000 }).catch(() => {
    throw new Error(`PowerDNS does not listen: ${server.said()}`);
  });
  const url = `http://127.0.0.1:${apiPort}`;
  return {
    url,
    apiKey,
    dnsPort,
    sql: (statement) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', database, statement], { encoding: 'utf8' }),
    api: async (method, path, body) => {
      const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const answer = await fetch(`${url}/api/v1/servers/localhost${path}`, init);
      const text = await answer.text();
      return { status: answer.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
    },
    said: server.said,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
