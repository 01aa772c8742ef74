// Slipway as it runs in production: an API and a worker process of their own on a database and an engine of their own,
// all of which a test may kill. Everything is found again as an operator would: by run files and fixed ports.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../../db/core/connect.ts';
import { migrateFor } from '../../../db/migrate.ts';
import { freePort } from '../../../embedded/ports.ts';
import { startStack } from '../../../embedded/supervise.ts';
import type { Stack } from '../../../embedded/supervise.ts';
import { parseConfig } from '../../../kit/config/config.ts';
import { createLogger } from '../../../kit/log.ts';
import { listRunFiles } from '../../../kit/run-file.ts';
import { clientOf, makeUser } from '../api/app.ts';
import { eventually } from '../harness.ts';
import type { Site } from '../world.ts';

type Role = 'worker' | 'api';

const programs = { worker: 'activities/worker.ts', api: 'api/server.ts' } as const;
const root = join(import.meta.dirname, '..', '..', '..');
const patience = { timeout: 120_000 };

export interface ProcessEstate extends Site {
  stack: Stack;
  /** Base of WebSocket addresses. */
  liveUrl: string;
  /** Starts a process and waits until it works; returns it. */
  start(role: Role): Promise<ChildProcess>;
  /** What the processes have logged. */
  logs(): string;
  close(): Promise<void>;
}

/** Starts database and engine, and makes the tables; no process yet. `more` are further settings of the processes. */
export async function ownEstate(more: Readonly<Record<string, string>> = {}): Promise<ProcessEstate> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-crash-'));
  const log = createLogger({ logLevel: 'silent' }, 'test');
  const [port, uiPort] = [await freePort(), await freePort()];
  const temporalCli = process.env.SLIPWAY_TEMPORAL_CLI;
  const stack = await startStack(
    { dataDir, host: '127.0.0.1', port, temporalUiPort: uiPort, ...(temporalCli && { temporalCli }) },
    log,
  );
  const owner = connect(stack.ownerDatabaseUrl, { max: 1, applicationName: 'test' });
  await migrateFor(owner, stack.databaseUrl).finally(() => owner.destroy());
  const db = connect(stack.databaseUrl, { max: 5, applicationName: 'test' });
  const env = { ...environment(stack, dataDir, port), ...more };
  const output = join(dataDir, 'processes.log');
  const started: ChildProcess[] = [];
  const base = `127.0.0.1:${port}`;
  const web = { request: (path: string, init: RequestInit) => fetch(`http://${base}${path}`, init) };
  return {
    stack,
    db,
    config: parseConfig({ SLIPWAY_DATA_DIR: dataDir }),
    liveUrl: `ws://${base}`,
    user: (grants) => makeUser(db, (headers) => clientOf(web, headers), grants),
    logs: () => readFileSync(output, 'utf8'),
    async start(role) {
      const file = openSync(output, 'a');
      const child = spawn(process.execPath, [join(root, programs[role])], {
        cwd: dataDir,
        env,
        stdio: ['ignore', file, file],
      });
      closeSync(file);
      started.push(child);
      await eventually(() => {
        if (child.exitCode !== null) throw new Error(`the ${role} ended: ${readFileSync(output, 'utf8').slice(-2000)}`);
        return listRunFiles(dataDir).some((run) => run.role === role && run.pid === child.pid);
      }, patience);
      return child;
    },
    async close() {
      await Promise.all(started.map((child) => ended(child, 'SIGKILL')));
      await db.destroy();
      await stack.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const environment = (stack: Stack, dataDir: string, port: number): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  // Without it every process strips and compiles the same sources.
  NODE_COMPILE_CACHE: join(root, 'dist', 'compiled'),
  DATABASE_URL: stack.databaseUrl,
  TEMPORAL_ADDRESS: stack.temporalAddress,
  SLIPWAY_DATA_DIR: dataDir,
  SLIPWAY_MASTER_KEY: randomBytes(32).toString('base64'),
  SLIPWAY_PORT: String(port),
  SLIPWAY_LOCAL_RUNNER: 'on',
  SLIPWAY_LOG_LEVEL: 'warn',
});

/** Sends the signal and returns the exit code once the process has ended. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
  return child.exitCode;
}
