// The bare servers and a bare worker in one process: the baseline of cold-start. Its port responds once the worker runs.
import { createServer } from 'node:http';
import pg from 'pg';
import { startStack } from '../../embedded/supervise.ts';
import { configFromEnvironment } from '../../kit/config/config.ts';
import { createLogger } from '../../kit/log.ts';
import { trivialWorker } from './worker.ts';

async function main(): Promise<void> {
  const config = configFromEnvironment();
  const servers = await startStack(config, createLogger({ logLevel: 'warn' }, 'bare'));
  const pool = new pg.Pool({ connectionString: servers.databaseUrl });
  const worker = await trivialWorker(servers.temporalAddress, 'cold', pool);
  const done = worker.run();
  const http = createServer((_request, response) => void response.end('ok')).listen(config.port, '127.0.0.1');
  await done;
  http.close();
  await pool.end();
  await servers.stop();
  process.exit(0);
}

await main();
