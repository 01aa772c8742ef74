// Every setting of Slipway in one table: the variable, its schema, its default and its description. The parser and the table
// of docs/configuration.md are both generated from it, so they can't disagree. Values are the environment's text.
import { passwordLength } from '../password-length.ts';
import { isIP } from 'node:net';
import { z } from 'zod';
import { cloudSettings } from './cloud-settings.ts';
import { folders, hostRuleSettings } from './host-rule-settings.ts';
import { runnerSettings } from './runner-settings.ts';
import { file, listOf, optional, port, required, url, web, whole } from './setting.ts';

const hostAndPort = z
  .string()
  .regex(/^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/, 'must be host:port, such as temporal.example.com:7233');

const masterKey = z
  .string()
  .refine(
    (text) => /^[A-Za-z0-9+/]{43}=$/.test(text),
    'must be 32 bytes in base64; make one with: openssl rand -base64 32',
  );

const words = listOf(z.string().min(4, 'must be words of at least 4 characters separated by commas'));

const addresses = listOf(z.string().refine((part) => isIP(part) !== 0, 'must be IP addresses separated by commas'));

const destinations = listOf(
  z.string().refine(isDestination, 'must be host names (*.example.com for those below), addresses or CIDRs, by commas'),
);

function isDestination(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0) return bits === undefined && /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text);
  return (
    more.length === 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  );
}

const name = (most: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[A-Za-z0-9._-]{1,${most}}$`),
      `must be at most ${most} letters, digits, dots, dashes or underscores`,
    );

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** Zabbix's severities, ascending. */
export const zabbixSeverities = ['not_classified', 'information', 'warning', 'average', 'high', 'disaster'] as const;
const outside = 'only with TEMPORAL_ADDRESS: ';

/** All settings, in the order of the table of docs/configuration.md; the keys are the fields of `Config`. */
export const settings = {
  host: required('SLIPWAY_HOST', z.string(), '127.0.0.1', 'address where the API and the console listen'),
  port: required('SLIPWAY_PORT', port, '8080', 'port where the API and the console listen'),
  publicUrl: optional(
    'SLIPWAY_PUBLIC_URL',
    web('https://slipway.example.com'),
    'from the request',
    'base of the addresses that answers carry',
  ),
  dataDir: required(
    'SLIPWAY_DATA_DIR',
    z.string(),
    '.slipway',
    'folder of everything embedded: database, engine, generated keys, first password',
  ),
  adminPassword: optional(
    'SLIPWAY_ADMIN_PASSWORD',
    z
      .string()
      .min(passwordLength.least, `must have at least ${passwordLength.least} characters`)
      .max(passwordLength.most, `must have at most ${passwordLength.most} characters`),
    'generated',
    'first password of `admin`',
  ),
  passwordWords: required(
    'SLIPWAY_FORBIDDEN_WORDS',
    words,
    '',
    'words that no password may consist of, separated by commas, such as the names of the company and its products',
  ),
  secondFactor: required(
    'SLIPWAY_SECOND_FACTOR',
    z.enum(['optional', 'administrators', 'everybody'], 'must be optional, administrators or everybody'),
    'optional',
    'who must log in with a code besides the password: `optional` leaves it to each, or `administrators`, `everybody`',
  ),
  secondFactorDrift: required(
    'SLIPWAY_SECOND_FACTOR_DRIFT',
    whole('steps of 30 seconds', 0, 1),
    '0',
    'steps of 30 seconds by which the clock of a generator of codes may differ: 0, or 1, by which a code counts longer',
  ),
  masterKey: optional(
    'SLIPWAY_MASTER_KEY',
    masterKey,
    'generated file',
    '32 bytes in base64 that wrap the data keys of secrets',
  ),
  masterKeyFile: file(
    'SLIPWAY_MASTER_KEY_FILE',
    'generated file',
    'file that holds the master key, instead of the variable',
  ),
  decideSignal: required(
    'SLIPWAY_DECIDE_SIGNAL',
    z.enum(['signed', 'open', 'off'], 'must be signed, open or off'),
    'signed',
    'who may decide by the signal `decide`: holders of SLIPWAY_DECIDE_KEY, anybody who reaches the engine, or nobody',
  ),
  decideKey: optional(
    'SLIPWAY_DECIDE_KEY',
    z.string().min(32, 'must have at least 32 characters; make one with: openssl rand -hex 32'),
    'generated file',
    'key that bots and operators sign decisions with; without it, and with an external database, none is taken',
  ),
  tracesUrl: optional(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    web('http://collector.example.com:4318'),
    'none',
    'where OpenTelemetry traces go (OTLP over HTTP, to `/v1/traces` there)',
  ),
  databaseUrl: optional(
    'DATABASE_URL',
    url(/^postgres(ql)?$/, 'postgres://user:password@host:5432/slipway'),
    'embedded',
    'PostgreSQL to use instead of the embedded one',
  ),
  migrateDatabaseUrl: optional(
    'SLIPWAY_MIGRATE_DATABASE_URL',
    url(/^postgres(ql)?$/, 'postgres://owner:password@host:5432/slipway'),
    'DATABASE_URL',
    "same database as its tables' owner: `npm run migrate` runs as the owner and grants to the role of DATABASE_URL",
  ),
  databasePool: required(
    'SLIPWAY_DATABASE_POOL',
    whole('connections', 2, 1000),
    '10',
    'most database connections of one process',
  ),
  temporalAddress: optional(
    'TEMPORAL_ADDRESS',
    hostAndPort,
    'embedded',
    'Temporal frontend to use instead of the embedded one',
  ),
  temporalNamespace: required('TEMPORAL_NAMESPACE', name(255), 'default', 'Temporal namespace'),
  temporalApiKey: optional('TEMPORAL_API_KEY', z.string(), 'none', `${outside}API key`),
  temporalTlsCa: file('TEMPORAL_TLS_CA', 'none', `${outside}file of the CA that signed the server's certificate`),
  temporalTlsCert: file('TEMPORAL_TLS_CERT', 'none', `${outside}file of the client certificate`),
  temporalTlsKey: file('TEMPORAL_TLS_KEY', 'none', `${outside}file of the client certificate's key`),
  taskQueue: required('SLIPWAY_TASK_QUEUE', name(200), 'slipway', 'Temporal task queue that workers poll'),
  maxCachedWorkflows: required(
    'SLIPWAY_MAX_CACHED_WORKFLOWS',
    whole('workflows', 0, 100_000),
    '500',
    'workflows that one worker keeps in memory',
  ),
  pgPort: optional('SLIPWAY_PG_PORT', port, 'a free port', 'port of the embedded PostgreSQL'),
  temporalPort: optional('SLIPWAY_TEMPORAL_PORT', port, 'a free port', 'port of the embedded Temporal server'),
  temporalUiPort: optional(
    'SLIPWAY_TEMPORAL_UI_PORT',
    port,
    'a free port, not told',
    'port of the embedded Temporal UI on this machine, where it asks nobody for a password; it is at `/engine/` too',
  ),
  temporalUiUrl: optional(
    'SLIPWAY_TEMPORAL_UI_URL',
    web('http://temporal-ui:8080'),
    'the embedded one',
    'Temporal UI, made for the public path `/engine`, that is served at `/engine/` to holders of use_engine_ui',
  ),
  temporalCli: file(
    'SLIPWAY_TEMPORAL_CLI',
    'found or downloaded',
    'the `temporal` program that runs the embedded server',
  ),
  localRunner: optional(
    'SLIPWAY_LOCAL_RUNNER',
    z.enum(['on', 'off'], 'must be on or off').transform((text) => text === 'on'),
    'on, but off with an external database and engine',
    'whether hosts may be directories of the machine that runs the worker',
  ),
  jobRetentionDays: required(
    'SLIPWAY_JOB_RETENTION_DAYS',
    whole('days', 2, 36_500),
    '7',
    'days for which hosts keep scripts and output of ended tasks',
  ),
  outputRetentionDays: required(
    'SLIPWAY_OUTPUT_RETENTION_DAYS',
    whole('days', 1, 36_500),
    '180',
    'days for which the output of tasks is kept',
  ),
  outputLimitBytes: required(
    'SLIPWAY_OUTPUT_LIMIT_BYTES',
    whole('bytes', 1024, 2 ** 31),
    String(50 * 2 ** 20),
    'most output kept of one task, and of one command on its host, in bytes: half from the beginning, the rest from the end',
  ),
  liveConnections: required(
    'SLIPWAY_LIVE_CONNECTIONS',
    whole('connections', 1, 1_000),
    '50',
    'most connections of one user that follow output live, at one API process',
  ),
  hostPatienceSeconds: required(
    'SLIPWAY_HOST_PATIENCE_SECONDS',
    whole('seconds', 1, 86_400),
    '600',
    'how long a host may take to start, stop, restart or answer before its task gives it up',
  ),
  hostInstallSeconds: required(
    'SLIPWAY_HOST_INSTALL_SECONDS',
    whole('seconds', 1, 86_400),
    '1800',
    'how long the installation of a package on a host may take before it is ended there',
  ),
  hostSilenceSeconds: required(
    'SLIPWAY_HOST_SILENCE_SECONDS',
    whole('seconds', 1, 3_600),
    '15',
    'how long a host that no provider knows must be silent before it counts as stopped',
  ),
  hostAdmission: required(
    'SLIPWAY_HOST_ADMISSION',
    z.enum(['manage', 'open'], 'must be manage or open'),
    'manage',
    'who lets commands run on a host by a new way: `manage`, somebody with `manage_host`, or `open`, all who may add or edit it',
  ),
  providerCalls: required(
    'SLIPWAY_PROVIDER_CALLS',
    whole('calls', 1, 1_000),
    '50',
    'most calls that all workers have in flight at one provider of machines',
  ),
  ...hostRuleSettings,
  repositoryAllow: required(
    'SLIPWAY_REPOSITORY_ALLOW',
    destinations,
    '',
    'servers that packages may come from: host names, addresses and CIDRs, separated by commas; none: all but the worker itself',
  ),
  healthCheckAllow: required(
    'SLIPWAY_HEALTH_CHECK_ALLOW',
    destinations,
    '',
    'where health checks may lead: host names, addresses and CIDRs, by commas; none: all but the worker itself (local hosts may)',
  ),
  repositoryKnownHosts: file(
    'SLIPWAY_REPOSITORY_KNOWN_HOSTS',
    'none: no SSH',
    'known_hosts file with the SSH host keys of package repositories',
  ),
  repositoryCaFile: file(
    'SLIPWAY_REPOSITORY_CA_FILE',
    'none',
    'file of certificate authorities that count for package repositories besides the public ones',
  ),
  linkTargets: required(
    'SLIPWAY_LINK_TARGETS',
    z
      .string()
      .transform((text) => (text === 'none' ? '' : text))
      .pipe(folders),
    '/usr',
    'folders of hosts that absolute links in packages may lead into, separated by commas; `none`: no such link is taken',
  ),
  packageCacheBytes: required(
    'SLIPWAY_PACKAGE_CACHE_BYTES',
    whole('bytes', 0, 2 ** 50),
    String(20 * 2 ** 30),
    'bytes of packages and copies of repositories that a worker keeps for the next deploy; what was used within the last hour stays',
  ),
  metricsToken: optional(
    'SLIPWAY_METRICS_TOKEN',
    z.string().min(16, 'must have at least 16 characters'),
    'none',
    'bearer token that `/metrics` asks for',
  ),
  workerMetricsPort: optional(
    'SLIPWAY_WORKER_METRICS_PORT',
    port,
    'none',
    'port where a worker serves `/metrics` (its own and those of the Temporal SDK), `/healthz` and `/readyz`, at SLIPWAY_HOST',
  ),
  trustedProxies: required(
    'SLIPWAY_TRUSTED_PROXIES',
    addresses,
    '',
    'addresses of the proxies whose `X-Forwarded-*` headers count, separated by commas',
  ),
  imagesDir: file(
    'SLIPWAY_IMAGES_DIR',
    'none',
    'directory of images that is served read-only at `/imgs/`, for the links to other systems',
  ),
  smtpUrl: optional(
    'SLIPWAY_SMTP_URL',
    url(/^smtps?$/, 'smtps://user:password@mail.example.com:465'),
    'none: no mail is sent',
    'mail server for forgotten passwords and invitations; `?requireTLS=true` insists on STARTTLS',
  ),
  smtpFrom: optional(
    'SLIPWAY_SMTP_FROM',
    z.email('must be an address such as slipway@example.com'),
    'none',
    'sender of mails; set with SLIPWAY_SMTP_URL and SLIPWAY_PUBLIC_URL',
  ),
  zabbixUrl: optional(
    'SLIPWAY_ZABBIX_URL',
    web('https://zabbix.example.com'),
    'none: hosts are not monitored',
    "address of Zabbix's frontend",
  ),
  zabbixToken: optional('SLIPWAY_ZABBIX_TOKEN', z.string(), 'none', 'API token for Zabbix (5.4 and later)'),
  zabbixUser: optional('SLIPWAY_ZABBIX_USER', z.string(), 'none', 'user of Zabbix, instead of a token'),
  zabbixPassword: optional('SLIPWAY_ZABBIX_PASSWORD', z.string(), 'none', 'password of SLIPWAY_ZABBIX_USER'),
  zabbixCaFile: file('SLIPWAY_ZABBIX_CA_FILE', 'none', "file of the CA that signed Zabbix's certificate"),
  zabbixDefaultGroup: required(
    'SLIPWAY_ZABBIX_DEFAULT_GROUP',
    z.string(),
    'Discovered hosts',
    'host group in Zabbix of hosts for which none is given; it must be there',
  ),
  zabbixMinSeverity: required(
    'SLIPWAY_ZABBIX_MIN_SEVERITY',
    z.enum(zabbixSeverities, `must be one of ${zabbixSeverities.join(', ')}`),
    'average',
    'least severe problem in Zabbix that counts against the health of a host',
  ),
  auditAnchorUrl: optional(
    'SLIPWAY_AUDIT_ANCHOR_URL',
    web('https://anchors.example.com/slipway'),
    'none',
    "address to which the audit chain's anchors are posted",
  ),
  ...runnerSettings,
  ...cloudSettings,
  logLevel: required(
    'SLIPWAY_LOG_LEVEL',
    z.enum(levels, `must be one of ${levels.join(', ')}`),
    'info',
    'least severe level that is logged',
  ),
};
