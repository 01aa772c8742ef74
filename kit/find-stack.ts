import { readFileSync } from 'node:fs';
import type { Config } from './config/config.ts';
import { applicationPasswordFile, connectionUrl } from './embedded-database.ts';
import { listRunFiles } from './run-file.ts';

/** The addresses of database and engine. */
export interface Addresses {
  /** As the role that owns nothing, as far as there are two. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

/**
 * The addresses for a process without its own servers: the configured ones, else those of the stack that another process
 * runs on the data folder; throws when neither exists.
 */
export function findStack(config: Pick<Config, 'dataDir' | 'databaseUrl' | 'temporalAddress'>): Addresses {
  const running = listRunFiles(config.dataDir).filter(({ alive }) => alive);
  const portOf = (role: string) => running.find((found) => found.role === role)?.port ?? undefined;
  const [postgres, temporal] = [portOf('postgres'), portOf('temporal')];
  const databaseUrl =
    config.databaseUrl ??
    (postgres &&
      connectionUrl('application', readFileSync(applicationPasswordFile(config.dataDir), 'utf8').trim(), postgres));
  const temporalAddress = config.temporalAddress ?? (temporal && `127.0.0.1:${temporal}`);
  const missing = [!databaseUrl && 'DATABASE_URL', !temporalAddress && 'TEMPORAL_ADDRESS'].filter(Boolean);
  if (databaseUrl && temporalAddress) return { databaseUrl, temporalAddress };
  throw new Error(`nothing embedded runs on ${config.dataDir}: start it, or set ${missing.join(' and ')}`);
}
