// Starts and stops the embedded servers together; a configured database or engine replaces the embedded one. The holder of
// the data folder's lock may end processes left by a killed start.
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import type { Config } from '../kit/config/config.ts';
import type { Logger } from '../kit/log.ts';
import { listRunFiles } from '../kit/run-file.ts';
import { endProcess } from './end-process.ts';
import { lockDataDir } from './lock.ts';
import { startPostgres } from './postgres.ts';
import { startTemporal } from './temporal.ts';

/** The configuration of the stack. */
type StackConfig = Pick<Config, 'dataDir' | 'host' | 'port'> &
  Partial<
    Pick<
      Config,
      | 'publicUrl'
      | 'databaseUrl'
      | 'migrateDatabaseUrl'
      | 'pgPort'
      | 'temporalAddress'
      | 'temporalNamespace'
      | 'temporalPort'
      | 'temporalUiPort'
      | 'temporalCli'
    >
  >;

/** A running stack; `uiUrl` and the process ids exist only for embedded servers. */
export interface Stack {
  /** As the role as which Slipway runs. */
  readonly databaseUrl: string;
  /** As the role that owns the tables, for migrations; the same one when an outside database has only one. */
  readonly ownerDatabaseUrl: string;
  readonly temporalAddress: string;
  readonly uiUrl?: string;
  readonly pids: { readonly postgres?: number; readonly temporal?: number };
  /** Stops what was started and unlocks the data folder; safe to call twice. */
  stop(): Promise<void>;
}

const stopSignals: Readonly<Record<string, NodeJS.Signals>> = { postgres: 'SIGINT', temporal: 'SIGTERM' };

/**
 * Starts the servers not replaced by the configuration; throws `AlreadyRunning` when another process uses the data folder.
 */
export async function startStack(config: StackConfig, log: Logger): Promise<Stack> {
  if (config.databaseUrl !== undefined && config.temporalAddress !== undefined)
    return await startServers(config, log, nothingToUnlock);
  makeDataDir(config.dataDir);
  const unlock = await lockDataDir(config.dataDir, ownAddress(config));
  try {
    await endOrphans(config.dataDir, log);
    return await startServers(config, log, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function nothingToUnlock(): void {
  return;
}

/** Ends embedded servers left by a killed process and removes the run files of dead ones. */
export async function endOrphans(dataDir: string, log: Logger): Promise<void> {
  const ended = listRunFiles(dataDir).map(async ({ role, pid, identity, alive, path }) => {
    const signal = stopSignals[role];
    if (alive && signal === undefined) return;
    if (alive && signal !== undefined) {
      log.warn({ child: pid }, `ending the ${role} that an earlier start left behind`);
      await endProcess(pid, identity, signal);
    }
    rmSync(path, { force: true });
  });
  await Promise.all(ended);
}

async function startServers(config: StackConfig, log: Logger, unlock: () => void): Promise<Stack> {
  const [database, engine] = await Promise.allSettled([embeddedPostgres(config, log), embeddedTemporal(config, log)]);
  const started = [database, engine].flatMap((outcome) =>
    outcome.status === 'fulfilled' && outcome.value !== undefined ? [outcome.value] : [],
  );
  const stopAll = async () => {
    await Promise.all(
      started.map(async (server) => {
        await server.stop();
      }),
    );
  };
  if (database.status === 'rejected' || engine.status === 'rejected') {
    await stopAll();
    throw [database, engine].find((outcome) => outcome.status === 'rejected')?.reason as Error;
  }
  let stopped: Promise<void> | undefined;
  return {
    databaseUrl: database.value?.url ?? config.databaseUrl ?? '',
    ownerDatabaseUrl: database.value?.ownerUrl ?? config.migrateDatabaseUrl ?? config.databaseUrl ?? '',
    temporalAddress: engine.value?.address ?? config.temporalAddress ?? '',
    ...(engine.value && { uiUrl: engine.value.uiUrl }),
    get pids() {
      return {
        ...(database.value && { postgres: database.value.pid }),
        ...(engine.value && { temporal: engine.value.pid }),
      };
    },
    stop: async () => {
      stopped ??= stopAll().finally(unlock);
      await stopped;
    },
  };
}

async function embeddedPostgres({ databaseUrl, dataDir, pgPort: port }: StackConfig, log: Logger) {
  return databaseUrl === undefined ? await startPostgres({ dataDir, port, log }) : undefined;
}

async function embeddedTemporal(config: StackConfig, log: Logger) {
  if (config.temporalAddress !== undefined) return undefined;
  const { dataDir, temporalPort: port, temporalUiPort: uiPort, temporalCli: cli, temporalNamespace } = config;
  return await startTemporal({
    dataDir,
    port,
    uiPort,
    cli,
    log,
    ...(temporalNamespace && { namespace: temporalNamespace }),
  });
}

// Otherwise a folder of another user would fail later, with a less clear error.
function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const advice = 'start as the user who made it, or set SLIPWAY_DATA_DIR to another folder';
    throw new Error(`the data folder ${dataDir} can't be used: ${advice}`, { cause: error });
  }
}

function ownAddress({ publicUrl, host, port }: StackConfig): string {
  return publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
