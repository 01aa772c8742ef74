// The configuration is parsed once, when the process starts, and all mistakes are reported together. Messages never contain
// values, which may be secrets.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import { accountsOf, readAccounts } from './cloud-accounts.ts';
import type { CloudAccount } from './cloud-accounts.ts';
import { hostRulesOf } from '../host-rules.ts';
import type { HostRules } from '../host-rules.ts';
import { runnerMistakes } from './runner-settings.ts';
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';

type Settings = typeof settings;
type Parsed = { -readonly [K in keyof Settings]: z.output<Settings[K]['schema']> };

/** The configuration of a process: `settings` with absolute paths, accounts read and `localRunner` decided. */
export type Config = Readonly<
  Omit<Parsed, 'localRunner' | 'deployRoots' | 'packageRoots' | 'runUsers'> & {
    localRunner: boolean;
    cloudAccounts: readonly CloudAccount[];
    hostRules: HostRules;
  }
>;

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Thrown when the configuration is wrong; `mistakes` has one line per mistake, naming its variable. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n  ${mistakes.join('\n  ')}`,
    );
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

const table: [string, Setting][] = Object.entries(settings);

/** Parses environment variables; throws a `ConfigError` that lists every mistake, including those of its accounts' file. */
export function parseConfig(env: Environment, found: readonly string[] = []): Config {
  const parsed: Record<string, unknown> = {};
  const mistakes = [...unknownVariables(env), ...found];
  for (const [key, setting] of table) {
    // An empty variable counts as unset: compose files and CI systems pass them on like that.
    const result = setting.schema.safeParse(env[setting.variable] || setting.fallback);
    if (result.success) parsed[key] = result.data;
    else mistakes.push(`${setting.variable}: ${result.error.issues[0]?.message ?? 'is not valid'}`);
  }
  const config = parsed as Parsed;
  const ofFile = config.cloudAccountsFile === undefined ? null : readAccounts(config.cloudAccountsFile);
  const clouds = accountsOf(config, ofFile?.accounts ?? []);
  mistakes.push(...contradictions(config), ...(ofFile?.mistakes ?? []), ...clouds.mistakes);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const external = config.databaseUrl !== undefined && config.temporalAddress !== undefined;
  const localRunner = config.localRunner ?? !external;
  return {
    ...config,
    dataDir: resolve(config.dataDir),
    localRunner,
    cloudAccounts: clouds.accounts,
    hostRules: hostRulesOf(config, localRunner ? userInfo().username : null),
  };
}

/** Reads the environment and `.env` of the working directory (the environment wins), for a process's entry file only. */
export function configFromEnvironment(): Config {
  const env: Environment = { ...(existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}), ...process.env };
  return parseConfig(
    env,
    table.flatMap(([, setting]) => unreadableFile(setting, env[setting.variable])),
  );
}

function unreadableFile(setting: Setting, path: string | undefined): string[] {
  if (!setting.file || !path) return [];
  try {
    accessSync(path, constants.R_OK);
    return [];
  } catch {
    return [`${setting.variable}: names a file that can't be read; check its path and mode`];
  }
}

function unknownVariables(env: Environment): string[] {
  const known = new Set(table.map(([, setting]) => setting.variable));
  return Object.keys(env)
    .filter((variable) => variable.startsWith('SLIPWAY_') && !known.has(variable))
    .map(
      (variable) =>
        `${variable}: is not a setting of Slipway; remove it or correct its name${suggestion(variable, known)}`,
    );
}

function suggestion(variable: string, known: ReadonlySet<string>): string {
  const words = new Set(variable.split('_'));
  const likeness = (other: string) => {
    const theirs = other.split('_');
    return theirs.filter((word) => words.has(word)).length / Math.max(words.size, theirs.length);
  };
  const [best] = [...known].sort((a, b) => likeness(b) - likeness(a));
  return best !== undefined && likeness(best) > 0.5 ? ` (did you mean ${best}?)` : '';
}

function contradictions(config: Partial<Parsed>): string[] {
  const mistakes: string[] = [];
  if (config.masterKey !== undefined && config.masterKeyFile !== undefined)
    mistakes.push('SLIPWAY_MASTER_KEY: is set together with SLIPWAY_MASTER_KEY_FILE; keep one of them');
  if ((config.temporalTlsCert === undefined) !== (config.temporalTlsKey === undefined)) {
    const [missing, present] = config.temporalTlsCert === undefined ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
    mistakes.push(`TEMPORAL_TLS_${missing}: is missing though TEMPORAL_TLS_${present} is set; set both or neither`);
  }
  // Links in mails must not be made from what a request says of its host: anybody can say anything.
  for (const key of ['smtpFrom', 'publicUrl'] as const)
    if (config.smtpUrl !== undefined && config[key] === undefined)
      mistakes.push(`${settings[key].variable}: is missing though SLIPWAY_SMTP_URL is set; mails need it`);
  mistakes.push(...zabbixContradictions(config));
  if (config.migrateDatabaseUrl !== undefined && config.databaseUrl === undefined)
    mistakes.push('SLIPWAY_MIGRATE_DATABASE_URL: has no use without DATABASE_URL; set that too or remove it');
  for (const key of ['temporalApiKey', 'temporalTlsCa', 'temporalTlsCert', 'temporalTlsKey'] as const)
    if (config[key] !== undefined && config.temporalAddress === undefined)
      mistakes.push(`${settings[key].variable}: has no use without TEMPORAL_ADDRESS; set that too or remove it`);
  return [...mistakes, ...runnerMistakes(config)];
}

function zabbixContradictions(config: Partial<Parsed>): string[] {
  const { zabbixUrl, zabbixToken, zabbixUser, zabbixPassword } = config;
  const given = (['zabbixToken', 'zabbixUser', 'zabbixPassword', 'zabbixCaFile'] as const).filter(
    (key) => config[key] !== undefined,
  );
  if (zabbixUrl === undefined)
    return given.map(
      (key) => `${settings[key].variable}: has no use without SLIPWAY_ZABBIX_URL; set that too or remove it`,
    );
  if (zabbixToken !== undefined && (zabbixUser !== undefined || zabbixPassword !== undefined))
    return ['SLIPWAY_ZABBIX_TOKEN: is set together with SLIPWAY_ZABBIX_USER and _PASSWORD; keep one of them'];
  if (zabbixToken === undefined && (zabbixUser === undefined || zabbixPassword === undefined))
    return ['SLIPWAY_ZABBIX_URL: needs SLIPWAY_ZABBIX_TOKEN, or SLIPWAY_ZABBIX_USER and SLIPWAY_ZABBIX_PASSWORD'];
  return [];
}
