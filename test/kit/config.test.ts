import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configTable } from '../../kit/config/config-table.ts';
import { ConfigError, configFromEnvironment, parseConfig, type Environment } from '../../kit/config/config.ts';
import { settings } from '../../kit/config/settings.ts';

function mistakesOf(env: Environment): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

test('an empty environment gives the documented defaults', () => {
  const config = parseConfig({});
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    temporalUiPort: undefined,
    temporalNamespace: 'default',
    taskQueue: 'slipway',
    maxCachedWorkflows: 500,
    outputRetentionDays: 180,
    outputLimitBytes: 52_428_800,
    databasePool: 10,
    trustedProxies: [],
    logLevel: 'info',
    localRunner: true,
  });
  expect(config.dataDir).toBe(join(process.cwd(), '.slipway'));
  expect(config.databaseUrl).toBeUndefined();
});

test('all mistakes are reported at once, each by its name, and no value is repeated', () => {
  const secret = 'not-a-key-but-secret';
  const mistakes = mistakesOf({
    SLIPWAY_PORT: '99999',
    SLIPWAY_MASTER_KEY: secret,
    DATABASE_URL: 'mysql://user:hunter22@host/db',
    TEMPORAL_TLS_CERT: '/cert.pem',
    SLIPWAY_LOCAL_RUNNER: 'maybe',
    SLIPWAY_TRUSTED_PROXIES: '10.0.0.1, proxy.example.com',
    SLIPWAY_LOG_LEVEL: 'loud',
  });
  const named = mistakes.map((mistake) => mistake.split(':')[0]);
  expect(new Set(named)).toEqual(
    new Set([
      'SLIPWAY_PORT',
      'SLIPWAY_MASTER_KEY',
      'DATABASE_URL',
      'TEMPORAL_TLS_KEY',
      'TEMPORAL_TLS_CERT',
      'SLIPWAY_LOCAL_RUNNER',
      'SLIPWAY_TRUSTED_PROXIES',
      'SLIPWAY_LOG_LEVEL',
    ]),
  );
  expect(mistakes.join('\n')).not.toContain(secret);
  expect(mistakes.join('\n')).not.toContain('hunter22');
});

test('an unknown SLIPWAY_ variable is a mistake that names the likely one', () => {
  const [mistake, ...others] = mistakesOf({ SLIPWAY_DATA_DIRECTORY: '/data', OTHER: 'kept' });
  expect(mistake).toMatch(/^SLIPWAY_DATA_DIRECTORY: is not a setting/);
  expect(others).toEqual([]);
  expect(mistakesOf({ SLIPWAY_TEMPORAL_UI_PORTS: '1' })[0]).toContain('did you mean SLIPWAY_TEMPORAL_UI_PORT?');
});

test('the local runner is off by default once database and engine are external', () => {
  const external = { DATABASE_URL: 'postgres://u:p@db:5432/slipway', TEMPORAL_ADDRESS: 'temporal:7233' };
  expect(parseConfig(external).localRunner).toBe(false);
  expect(parseConfig({ ...external, SLIPWAY_LOCAL_RUNNER: 'on' }).localRunner).toBe(true);
  expect(parseConfig({ DATABASE_URL: external.DATABASE_URL }).localRunner).toBe(true);
});

test('an empty variable counts as not set', () => {
  expect(parseConfig({ SLIPWAY_PORT: '', DATABASE_URL: '' })).toMatchObject({ port: 8080, databaseUrl: undefined });
});

test('.env is read, and the environment wins over it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-config-'));
  const before = process.cwd();
  try {
    writeFileSync(
      join(folder, '.env'),
      'SLIPWAY_PORT=9001\nSLIPWAY_HOST=0.0.0.0\nSLIPWAY_MASTER_KEY_FILE=/nowhere/key\n',
    );
    process.chdir(folder);
    process.env.SLIPWAY_PORT = '9002';
    expect(() => configFromEnvironment()).toThrow(/SLIPWAY_MASTER_KEY_FILE: names a file that can't be read/);
    process.env.SLIPWAY_MASTER_KEY_FILE = join(folder, '.env');
    expect(configFromEnvironment()).toMatchObject({ port: 9002, host: '0.0.0.0' });
  } finally {
    delete process.env.SLIPWAY_PORT;
    delete process.env.SLIPWAY_MASTER_KEY_FILE;
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

test('docs/configuration.md has the row of every setting, and no other', () => {
  const cells = (table: string): string[] =>
    table
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.replaceAll(/\s+\|/g, ' |'));
  const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
  expect(cells(page)).toEqual(cells(configTable()));
  expect(cells(page)).toHaveLength(Object.keys(settings).length);
});

test('a mail server needs a sender and the public address, which no request may choose', () => {
  expect(() => parseConfig({ SLIPWAY_SMTP_URL: 'smtp://mail.example.com' })).toThrow(
    /SLIPWAY_SMTP_FROM: is missing[^]*SLIPWAY_PUBLIC_URL: is missing/,
  );
});
