// A worker of Slipway with in-memory machines: Tencent's, named host-1 up to the number in the first argument.
import { addMachine, createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';
import { logRuntimeTo, startWorker } from '../../activities/worker.ts';
import { configFromEnvironment } from '../../kit/config/config.ts';
import { createLogger } from '../../kit/log.ts';

const config = configFromEnvironment();
const log = createLogger({ logLevel: 'warn' }, 'worker');
logRuntimeTo(log);
const world = createCloudWorld();
for (let host = 1; host <= Number(process.argv[2]); host += 1) addMachine(world, { id: `host-${host}`, hostId: host });
const worker = await startWorker(
  config,
  log,
  { databaseUrl: config.databaseUrl ?? '', temporalAddress: config.temporalAddress ?? '' },
  { providers: { clouds: { TECENT_CVM: createMemoryCloud(world) } } },
);
process.once('SIGTERM', () => void worker.stop());
await worker.done;
process.exit(0);
