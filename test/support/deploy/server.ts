// The API as a server on a port of its own, for what only a network shows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LiveOptions } from '../../../api/tasks/output-socket.ts';
import { startApi } from '../../../api/server.ts';
import { freePort } from '../../../embedded/ports.ts';
import { parseConfig } from '../../../kit/config/config.ts';
import { createLogger } from '../../../kit/log.ts';
import { clientOf, makeUser } from '../api/app.ts';
import { temporalAddress, testDatabase, uniqueTaskQueue } from '../harness.ts';
import type { TestDatabase } from '../harness.ts';
import { ownIds } from '../world.ts';
import type { Site } from '../world.ts';

export interface Server extends Site {
  database: TestDatabase;
  /** `127.0.0.1:port` */
  address: string;
  close(): Promise<void>;
}

/** Starts an API on a database of its own; `engine` is the address at which it looks for the engine. */
export async function ownServer(engine = temporalAddress(), options: LiveOptions = {}): Promise<Server> {
  const database = await testDatabase();
  const { db } = database;
  await ownIds({ database });
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-server-'));
  const port = await freePort();
  const config = parseConfig({
    SLIPWAY_DATA_DIR: dataDir,
    SLIPWAY_PORT: String(port),
    SLIPWAY_TASK_QUEUE: uniqueTaskQueue(),
  });
  const log = createLogger({ logLevel: 'fatal' }, 'test');
  const api = await startApi(config, log, { databaseUrl: database.url, temporalAddress: engine }, options);
  const address = `127.0.0.1:${port}`;
  const web = { request: (path: string, init: RequestInit) => fetch(`http://${address}${path}`, init) };
  return {
    database,
    db,
    config,
    address,
    user: (grants) => makeUser(db, (headers) => clientOf(web, headers), grants),
    async close() {
      await api.stop();
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
