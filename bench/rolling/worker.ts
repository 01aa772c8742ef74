// A worker of Slipway with in-memory hosts, named host-1 up to the number in the first argument, each with the package in
// the second; it also registers the bare workflow.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import { logRuntimeTo, startWorker } from '../../activities/worker.ts';
import { configFromEnvironment } from '../../kit/config/config.ts';
import { createLogger } from '../../kit/log.ts';

const [, , hosts = '0', packageFile = '', packageSource = ''] = process.argv;
const config = configFromEnvironment();
const log = createLogger({ logLevel: 'warn' }, 'worker');
logRuntimeTo(log);
const world = createMemoryWorld();
const local = createMemoryRunner(world);
const data = readFileSync(packageFile);
for (let host = 1; host <= Number(hosts); host += 1) {
  await local.prepare({ name: `host-${host}`, runner: 'local', address: null });
  world.hosts.get(`host-${host}`)?.files.set(packageSource, { data, mode: 0o644 });
}
const workflows = await bundleWorkflowCode({
  workflowsPath: join(import.meta.dirname, 'workflow.ts'),
  logger: new DefaultLogger('ERROR'),
});
const worker = await startWorker(
  config,
  log,
  { databaseUrl: config.databaseUrl ?? '', temporalAddress: config.temporalAddress ?? '' },
  { providers: { runners: { local } }, workflows },
);
process.once('SIGTERM', () => void worker.stop());
await worker.done;
process.exit(0);
