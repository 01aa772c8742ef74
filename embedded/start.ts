// All of Slipway in one process: the embedded servers, a worker and the API. `demo.ts` builds on it.
import { connect } from '../db/core/connect.ts';
import { ensureAdmin } from '../db/access/first-admin.ts';
import { migrateFor } from '../db/migrate.ts';
import { warnOfOwnership } from '../db/database-grants.ts';
import { sdkMetricsAddress } from '../activities/background/worker-metrics.ts';
import { logRuntimeTo, startWorker } from '../activities/worker.ts';
import { startApi } from '../api/server.ts';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { configFromEnvironment } from '../kit/config/config.ts';
import type { Config } from '../kit/config/config.ts';
import { createLogger } from '../kit/log.ts';
import type { Logger } from '../kit/log.ts';
import { writeRunFile } from '../kit/run-file.ts';
import { startTracing } from '../kit/tracing.ts';
import { startStack } from './supervise.ts';
import type { Stack } from './supervise.ts';
import type { Addresses } from '../kit/find-stack.ts';
import { join } from 'node:path';

interface RunningSlipway extends Addresses {
  url: string;
  /** Of the Temporal UI without a login, where its port is open; it is at `/engine/` too. */
  uiUrl: string | undefined;
  /** The generated password of `admin`, at the first start only. */
  adminPassword: string | undefined;
  stop(): Promise<void>;
}

/** Starts all parts in order of dependency; if one fails, stops the others. */
export async function startSlipway(config: Config, log: Logger): Promise<RunningSlipway> {
  const sdkMetrics = await sdkMetricsAddress(config);
  logRuntimeTo(log, sdkMetrics);
  const stack = await startStack(config, log);
  const undo: (() => Promise<void>)[] = [() => stack.stop()];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    const adminPassword = await prepareDatabase(config, stack, log);
    await warnOfOwnership(stack.databaseUrl, log);
    const tracing = await startTracing(config, 'server', log);
    undo.push(async () => tracing?.stop());
    const worker = await startWorker(config, log, stack, { tracing, sdkMetrics });
    undo.push(() => worker.stop());
    const api = await startApi(config, log, stack);
    undo.push(() => api.stop());
    const gone = writeRunFile(config.dataDir, { role: 'server', port: api.port });
    undo.push(async () => gone());
    const url =
      config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${api.port}`;
    const { databaseUrl, temporalAddress } = stack;
    const uiUrl = config.temporalUiPort === undefined ? undefined : stack.uiUrl;
    return { url, uiUrl, databaseUrl, temporalAddress, adminPassword, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const adminPasswordFile = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'admin-password');

async function prepareDatabase(config: Config, stack: Stack, log: Logger): Promise<string | undefined> {
  const db = connect(stack.ownerDatabaseUrl, { max: 2, applicationName: 'slipway-start', log, queryTimeoutMs: 0 });
  try {
    await migrateFor(db, stack.databaseUrl);
    const generated = await ensureAdmin(db, { password: config.adminPassword, words: config.passwordWords });
    if (generated !== undefined) writeFileAtomic(adminPasswordFile(config), `${generated}\n`, 0o600);
    return generated;
  } finally {
    await db.destroy();
  }
}

/** Stops once on SIGINT or SIGTERM; ignores further signals, as the stop has a timeout. */
export function stopOnSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop().then(resolve, reject));
  });
}

async function main(): Promise<void> {
  const config = configFromEnvironment();
  const log = createLogger(config, 'server');
  const slipway = await startSlipway(config, log);
  process.stdout.write(greeting(config, slipway));
  await stopOnSignal(() => slipway.stop());
}

/** Next steps, for the person who started it. */
export function greeting(
  config: Config,
  { url, uiUrl, adminPassword }: RunningSlipway,
  use = 'for the first login, said once',
): string {
  const lines = [
    `Slipway            ${url}`,
    `API reference      ${url}/docs`,
    `Temporal UI        ${url}/engine/ (after the login)`,
    ...(uiUrl === undefined ? [] : [`  without a login  ${uiUrl}/engine/`]),
    adminPassword === undefined
      ? `admin's password   at first that in ${adminPasswordFile(config)}`
      : `admin's password   ${adminPassword} (${use}; kept in ${adminPasswordFile(config)})`,
  ];
  return `\n${lines.map((line) => `  ${line}`).join('\n')}\n\n`;
}

if (import.meta.main) {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
