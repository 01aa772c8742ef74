// A real Zabbix 6.0 of Debian: its server and its frontend, on a database of its own in the run's PostgreSQL. The
// frontend knows one configuration file, so that reads its values from the environment: several run side by side.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { freePort } from '../../../embedded/ports.ts';
import { eventually, unique } from '../harness.ts';
import { debian } from './install.ts';
import { onceInRun } from './run.ts';

const run = promisify(execFile);
const program = '/usr/sbin/zabbix_server';
const frontend = '/usr/share/zabbix';
const schemas = '/usr/share/zabbix-server-pgsql';
const configFile = '/etc/zabbix/zabbix.conf.php';

const frontendConfig = `<?php
foreach (['TYPE', 'SERVER', 'PORT', 'DATABASE', 'USER', 'PASSWORD'] as $name) $DB[$name] = getenv("TEST_ZABBIX_$name");
$DB['SCHEMA'] = '';
$DB['DOUBLE_IEEE754'] = true;
$DB['ENCRYPTION'] = false;
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = getenv('TEST_ZABBIX_SERVER_PORT');
$ZBX_SERVER_NAME = 'test';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
`;

export interface ZabbixServer {
  /** Of the frontend. */
  url: string;
  user: string;
  password: string;
  /** Calls the API directly, not through the code under test. */
  api<T>(method: string, params: object): Promise<T>;
  /** A statement on its database. */
  sql(statement: string, values?: unknown[]): Promise<void>;
  /** Runs `work` while new connections to its database are refused. */
  withoutDatabase<T>(work: () => Promise<T>): Promise<T>;
  /** Sends values to trapper items, as an agent does. */
  trap(host: string, key: string, value: number): Promise<void>;
  close(): Promise<void>;
}

/** Installs it where it is missing and starts it; `postgres` is the address of a superuser. */
export async function startZabbix(postgres: string): Promise<ZabbixServer> {
  await debian(program, 'zabbix-server-pgsql', 'zabbix-frontend-php', 'php-pgsql', 'php-cli');
  if (!existsSync(configFile)) writeFileSync(configFile, frontendConfig);
  const database = `zabbix_${unique()}`;
  const template = await onceInRun('zabbix-database', () => loadTemplate(postgres));
  await administer(postgres, `create database ${database} template ${template}`);
  const at = atDatabase(postgres, database);
  const folder = mkdtempSync(join(tmpdir(), 'slipway-zabbix-'));
  const [port, serverPort] = [await freePort(), await freePort()];
  const started = [startServer(folder, at, serverPort), startFrontend(at, port, serverPort)];
  const url = `http://127.0.0.1:${port}`;
  const [user, password] = ['Admin', 'zabbix'];
  const api = await apiOf(url, user, password);
  await eventually(() => listens(serverPort), { timeout: 60_000, interval: 250 });
  return {
    url,
    user,
    password,
    api,
    sql: (statement, values) => administer(at.href, statement, values),
    async withoutDatabase(work) {
      const allow = (yes: boolean) => administer(postgres, `alter database ${database} with allow_connections ${yes}`);
      await allow(false);
      try {
        return await work();
      } finally {
        await allow(true);
      }
    },
    trap: (host, key, value) => trap(serverPort, host, key, value),
    async close() {
      await Promise.all(started.map(end));
      await administer(postgres, `drop database ${database} with (force)`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Zabbix's tables and templates, loaded once in a run. */
async function loadTemplate(postgres: string): Promise<string> {
  const name = `${process.env.TEST_DATABASE_TEMPLATE}_zabbix`;
  await administer(postgres, `create database ${name}`);
  for (const part of ['schema', 'images', 'data']) {
    const statements = gunzipSync(readFileSync(join(schemas, `${part}.sql.gz`))).toString('utf8');
    await administer(atDatabase(postgres, name).href, statements);
  }
  return name;
}

function atDatabase(postgres: string, name: string): URL {
  const at = new URL(postgres);
  at.pathname = `/${name}`;
  return at;
}

async function administer(connectionString: string, statement: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(statement, ...(values.length > 0 ? [values] : []));
  } finally {
    await client.end();
  }
}

function startServer(folder: string, at: URL, port: number): ChildProcess {
  const settings = {
    ListenIP: '127.0.0.1',
    ListenPort: port,
    DBHost: at.hostname,
    DBPort: at.port,
    DBName: at.pathname.slice(1),
    DBUser: at.username,
    DBPassword: at.password,
    LogType: 'console',
    PidFile: join(folder, 'pid'),
    SocketDir: folder,
    AllowRoot: 1,
    AllowUnsupportedDBVersions: 1,
    CacheUpdateFrequency: 1,
    StartPollers: 1,
    StartTrappers: 2,
    StartPingers: 0,
    StartDiscoverers: 0,
    StartHTTPPollers: 0,
    StartPollersUnreachable: 1,
  };
  const file = join(folder, 'zabbix_server.conf');
  writeFileSync(
    file,
    Object.entries(settings)
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
    { mode: 0o600 },
  );
  return spawn(program, ['-f', '-c', file], { stdio: 'ignore', detached: true });
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  return true;
}

const startFrontend = (at: URL, port: number, serverPort: number): ChildProcess =>
  spawn('php', ['-d', 'max_execution_time=300', '-d', 'memory_limit=256M', '-S', `127.0.0.1:${port}`], {
    cwd: frontend,
    stdio: 'ignore',
    detached: true,
    env: {
      PATH: process.env.PATH,
      PHP_CLI_SERVER_WORKERS: '4',
      TEST_ZABBIX_TYPE: 'POSTGRESQL',
      TEST_ZABBIX_SERVER: at.hostname,
      TEST_ZABBIX_PORT: at.port,
      TEST_ZABBIX_DATABASE: at.pathname.slice(1),
      TEST_ZABBIX_USER: at.username,
      TEST_ZABBIX_PASSWORD: at.password,
      TEST_ZABBIX_SERVER_PORT: String(serverPort),
    },
  });

/** Both have children, so their whole group is ended. */
async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}

async function apiOf(url: string, user: string, password: string): Promise<ZabbixServer['api']> {
  const ask = async (method: string, params: object, auth: string | null): Promise<unknown> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params, auth });
    const headers = { 'content-type': 'application/json-rpc' };
    const response = await fetch(`${url}/api_jsonrpc.php`, { method: 'POST', headers, body });
    const answer = (await response.json()) as { result?: unknown; error?: unknown };
    if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
    return answer.result;
  };
  const login = async (): Promise<string> => String(await ask('user.login', { username: user, password }, null));
  await eventually(login, { timeout: 60_000, interval: 250 });
  return async <T>(method: string, params: object) => (await ask(method, params, await login())) as T;
}

async function trap(port: number, host: string, key: string, value: number): Promise<void> {
  const script =
    'import json,socket,struct,sys\n' +
    'b=sys.argv[2].encode()\n' +
    's=socket.create_connection(("127.0.0.1",int(sys.argv[1])))\n' +
    's.sendall(b"ZBXD\\x01"+struct.pack("<II",len(b),0)+b)\n' +
    'sys.stdout.write(s.recv(4096)[13:].decode())\n';
  const data = JSON.stringify({ request: 'sender data', data: [{ host, key, value: String(value) }] });
  await eventually(
    async () => {
      const { stdout } = await run('python3', ['-c', script, String(port), data]);
      return stdout.includes('processed: 1');
    },
    { timeout: 30_000, interval: 250 },
  );
}
