// Temporal's development server on a SQLite file. Write-ahead logging is six times faster than SQLite's default journal, and
// with `synchronous=NORMAL` still survives a killed server.
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Logger } from '../kit/log.ts';
import { searchAttributeNames } from '../workflows/lib/search-attributes.ts';
import { SupervisedServer } from './child.ts';
import { accepts, choosePort } from './ports.ts';
import { findTemporalCli, type CliSearch } from './temporal-cli.ts';

/** A running Temporal server; only `pid` changes on a restart. */
interface Temporal {
  readonly address: string;
  readonly uiUrl: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Input of a start of the embedded Temporal; absent ports are picked. */
interface TemporalOptions extends CliSearch {
  readonly port?: number | undefined;
  readonly uiPort?: number | undefined;
  readonly namespace?: string;
  readonly log: Logger;
}

const probeTimeoutMs = 5_000;

/** Starts the embedded Temporal server of a data folder and keeps it running until `stop`. */
export async function startTemporal(options: TemporalOptions): Promise<Temporal> {
  const { dataDir, namespace = 'default', log } = options;
  const command = await findTemporalCli(options);
  const port = await choosePort(options.port, 'SLIPWAY_TEMPORAL_PORT');
  const uiPort = await choosePort(options.uiPort, 'SLIPWAY_TEMPORAL_UI_PORT');
  const address = `127.0.0.1:${port}`;
  mkdirSync(join(dataDir, 'temporal'), { recursive: true, mode: 0o700 });
  const supervised = new SupervisedServer({
    role: 'temporal',
    dataDir,
    port,
    log,
    command,
    args: serverArguments(join(dataDir, 'temporal', 'temporal.db'), port, uiPort, namespace),
    env: { HOME: homedir(), PATH: '/usr/bin:/bin', TZ: 'UTC' },
    stopSignal: 'SIGTERM',
    probe: async () => {
      // A refused gRPC connection is only tried again after a second; a bare one tells at once.
      await accepts(port);
      await probe(address, namespace);
    },
  });
  await supervised.start();
  return {
    address,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    port,
    get pid() {
      return supervised.pid;
    },
    stop: async () => {
      await supervised.stop();
    },
  };
}

function serverArguments(database: string, port: number, uiPort: number, namespace: string): string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--ui-port',
    String(uiPort),
    '--ui-ip',
    '127.0.0.1',
    '--ui-public-path',
    '/engine',
    '--db-filename',
    database,
    '--log-level',
    'error',
    '--namespace',
    namespace,
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    'synchronous=NORMAL',
    ...searchAttributeNames.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

// The frontend responds before the namespace and its search attributes exist, and a start without them would fail.
async function probe(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: probeTimeoutMs });
  try {
    await connection.withDeadline(Date.now() + probeTimeoutMs, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      const missing = searchAttributeNames.filter((name) => customAttributes[name] === undefined);
      if (missing.length > 0) throw new Error(`search attributes are not registered yet: ${missing.join(', ')}`);
    });
  } finally {
    await connection.close();
  }
}
