// Holds a stack on the data folder given until it is killed; says on standard output who its servers are.
import { startStack } from '../../../embedded/supervise.ts';
import { createLogger } from '../../../kit/log.ts';

const stack = await startStack(
  { dataDir: process.argv[2] ?? '', host: '127.0.0.1', port: 8080 },
  createLogger({ logLevel: 'silent' }, 'test'),
);
console.log(JSON.stringify(stack.pids));
setInterval(() => undefined, 60_000);
