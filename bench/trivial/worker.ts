// A bare worker of the trivial workflow: only the SDK and a pool. Arguments: engine, task queue, database.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import pg from 'pg';

const bundle = join(import.meta.dirname, '../../dist/bench-trivial.js');

/** Bundles the trivial workflow, once per run; returns the bundle's path. */
export async function trivialBundle({ anew = false } = {}): Promise<string> {
  if (existsSync(bundle) && !anew) return bundle;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, 'workflow.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  mkdirSync(dirname(bundle), { recursive: true });
  writeFileSync(bundle, code);
  return bundle;
}

/** Creates the worker as the SDK's documentation does; caches as many workflows as ours. */
export async function trivialWorker(address: string, taskQueue: string, pool: pg.Pool): Promise<Worker> {
  return await Worker.create({
    connection: await NativeConnection.connect({ address }),
    taskQueue,
    workflowBundle: { codePath: await trivialBundle() },
    maxCachedWorkflows: 2_000,
    activities: {
      touch: async ({ id }: { id: number }) => {
        await pool.query('update bare_requests set status = $1 where id = $2', ['approved', id]);
      },
    },
  });
}

async function main([address = '', taskQueue = '', databaseUrl]: string[]): Promise<void> {
  const worker = await trivialWorker(address, taskQueue, new pg.Pool({ connectionString: databaseUrl }));
  await worker.run();
  process.exit(0);
}

if (import.meta.main)
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
