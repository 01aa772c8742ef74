import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi } from '../../api/server.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { createLogger } from '../../kit/log.ts';
import { eventually, temporalAddress, testDatabase } from '../support/harness.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('a port that is taken is named with what to do, and no process is left running', async () => {
  const database = await testDatabase();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-server-'));
  const config = parseConfig({ SLIPWAY_DATA_DIR: dataDir, SLIPWAY_PORT: String(port) });
  const at = { databaseUrl: database.url, temporalAddress: temporalAddress() };
  const before = timers();
  await expect(startApi(config, createLogger({ logLevel: 'fatal' }, 'test'), at)).rejects.toThrow(
    `127.0.0.1:${port} is in use: stop what listens there, or set SLIPWAY_PORT to another port`,
  );
  // One that is left would keep the process.
  await eventually(() => timers() <= before);
  await new Promise((resolve) => other.close(resolve));
  rmSync(dataDir, { recursive: true });
  // Closing fails when a session was left behind.
  await database.close();
});
