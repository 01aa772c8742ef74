// The worker process: configuration, dependencies, one Worker. Drains on SIGTERM: hands over running steps, whose commands
// continue on the hosts, and exits.
import type { Context } from '@temporalio/activity';
import { makeWorkflowExporter, OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry';
import { IllegalStateError } from '@temporalio/common';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { connect } from '../db/core/connect.ts';
import { loadMasterKey } from '../db/secrets/master-key.ts';
import { loadDecideKey } from '../db/secrets/message-proofs.ts';
import { warnOfOwnership } from '../db/database-grants.ts';
import { createSecrets } from '../db/secrets/secrets.ts';
import { createSlots } from '../db/coordination/concurrency-slots.ts';
import { createTurns } from '../db/coordination/rate-pacer.ts';
import { configFromEnvironment } from '../kit/config/config.ts';
import type { Config } from '../kit/config/config.ts';
import { engineAddress } from '../kit/config/engine-address.ts';
import { hostPathIn, reachIn } from '../kit/host-path.ts';
import { createJinja } from '../kit/jinja/index.ts';
import { createLogger } from '../kit/log.ts';
import type { Logger } from '../kit/log.ts';
import { writeRunFile } from '../kit/run-file.ts';
import { startTracing } from '../kit/tracing.ts';
import type { Tracing } from '../kit/tracing.ts';
import { findStack } from '../kit/find-stack.ts';
import type { Addresses } from '../kit/find-stack.ts';
import { workflowBundle } from './bundle.ts';
import { failureInterceptor, heartbeatInterceptor } from './interceptors/failure.ts';
import { startHostReads } from './host-reads/serve.ts';
import type { HostReadsOptions } from './host-reads/serve.ts';
import { startHostSweep } from './background/host-sweep.ts';
import { startHousekeeping } from './background/housekeeping.ts';
import { createActivities } from './index.ts';
import type { Activities } from './index.ts';
import { startJobSweep } from './background/local-job-sweep.ts';
import { sdkMetricsAddress, serveWorkerHealth } from './background/worker-metrics.ts';
import { gatedClouds } from './providers/cloud/call-limiter.ts';
import type { ActivityDeps } from './deps.ts';
import { proofInterceptor } from './interceptors/proofs.ts';
import { createProviders } from './providers/index.ts';
import type { Providers } from './providers/index.ts';
import type { HostPort } from './providers/addresses.ts';

export interface RunningWorker {
  /** Resolves when the worker has stopped; rejects on failure. */
  done: Promise<void>;
  /** Stops polling, hands over running work, and resolves when done. */
  stop(): Promise<void>;
}

const leaving = { shutdownGraceTime: '1 second', shutdownForceTime: '20 seconds' } as const;
/**
 * How long a workflow task waits for the worker that caches the workflow, i.e. the delay of a decision after that worker was
 * killed. The default, ten seconds, is too long for a person waiting for a response.
 */
const stickyPatience = '3 seconds';
/** Cancellation reaches a step with the response to a heartbeat. */
const heartbeatThrottle = '1 second';
const defaultDatabasePort = 5432;

export interface WorkerParts {
  /** Override those of the configuration. */
  providers?: Partial<Providers>;
  tracing?: Tracing | undefined;
  /** Replaces the present workflow code. */
  workflows?: { code: string } | undefined;
  /** Wraps the activities. */
  around?: ((activities: Activities) => Activities) | undefined;
  /** Where the SDK exports its metrics, as `logRuntimeTo` was told. */
  sdkMetrics?: string | undefined;
}

/** Starts a worker in this process, which can have only one. */
export async function startWorker(
  config: Config,
  log: Logger,
  at: Addresses,
  parts: WorkerParts = {},
): Promise<RunningWorker> {
  const { providers: replaced = {}, tracing, workflows, around = (activities: Activities) => activities } = parts;
  const db = connect(at.databaseUrl, { max: config.databasePool, applicationName: 'slipway-worker', log });
  const connection = await NativeConnection.connect(engineAddress(config, at.temporalAddress));
  const { temporalNamespace: namespace, taskQueue } = config;
  const providers = { ...createProviders(config, ownServers(at), createTurns(db)), ...replaced };
  const slots = createSlots(at.databaseUrl);
  const secrets = createSecrets({ masterKey: loadMasterKey(config) });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: workflows ?? { codePath: await workflowBundle({ traced: tracing !== undefined }) },
    ...(tracing && { sinks: { exporter: makeWorkflowExporter(tracing.processor, tracing.resource) } }),
    activities: around(
      createActivities({
        db,
        ...providers,
        secrets,
        clouds: gatedClouds(providers.clouds, config.providerCalls, slots),
        renderer: rendererOf(config),
        outputLimitBytes: config.outputLimitBytes,
        ownServers: ownServers(at),
        ...settled(config),
        log,
      }),
    ),
    interceptors: { activity: activityInterceptors(log, tracing, proofInterceptor(db, secrets)) },
    maxHeartbeatThrottleInterval: heartbeatThrottle,
    maxCachedWorkflows: config.maxCachedWorkflows,
    stickyQueueScheduleToStartTimeout: stickyPatience,
    ...leaving,
  });
  const checks = checksOf(worker, connection, db);
  const health = await serveWorkerHealth(config, { checks, sdkMetrics: parts.sdkMetrics });
  void providers.packageStore.sweep();
  const reads = startReads(config, { db, databaseUrl: at.databaseUrl, runners: providers.runners, log });
  const backgroundJobs = startBackgroundJobs(db, config, providers, log);
  const done = drained(worker, log).finally(async () => {
    await Promise.all([health, reads, ...backgroundJobs].map((one) => one.stop()));
    await Promise.all([connection.close(), slots.close(), db.destroy()]);
  });
  return { done, stop: () => stopWorker(worker, done) };
}

/** What a worker needs to do its work. */
const checksOf = (worker: Worker, connection: NativeConnection, db: ActivityDeps['db']) => ({
  polling: () => (worker.getState() === 'RUNNING' ? Promise.resolve() : Promise.reject(new Error(worker.getState()))),
  database: () => db.selectNoFrom((eb) => eb.lit(1).as('one')).execute(),
  engine: () => connection.workflowService.getSystemInfo({}),
});

/**
 * Runs a worker to its end. The SDK may refuse to release its native half while a last call still holds a reference to it
 * (seen once in some hundred shutdowns); by then the worker has drained, so nothing is lost.
 */
async function drained(worker: Worker, log: Logger): Promise<void> {
  try {
    await worker.run();
  } catch (error) {
    if (!(error instanceof IllegalStateError && error.message.startsWith('Worker still in use'))) throw error;
    log.warn({ err: error }, 'the worker has drained, but the SDK could not release it');
  }
}

async function stopWorker(worker: Worker, done: Promise<void>): Promise<void> {
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await done;
}

/** The first is the outermost: it sees converted failures, without secrets. */
const activityInterceptors = (log: Logger, tracing: Tracing | undefined, proofs: ActivityInboundCallsInterceptor) => [
  ...(tracing ? [(ctx: Context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(ctx) })] : []),
  () => ({ inbound: failureInterceptor((err) => log.error({ err }, 'an activity failed')) }),
  () => ({ inbound: heartbeatInterceptor }),
  () => ({ inbound: proofs }),
];

/** Starts a worker's periodic background jobs. */
function startBackgroundJobs(db: ActivityDeps['db'], config: Config, { monitoring, runners }: Providers, log: Logger) {
  const { jobRetentionDays, hostAdmission } = config;
  const sweeps = config.localRunner ? [startJobSweep(db, config, log)] : [];
  return [
    startHousekeeping({ db, monitoring, log }),
    startHostSweep({ db, runners, jobRetentionDays, hostAdmission, log }),
    ...sweeps,
  ];
}

/** Database and engine, in the form that providers' addresses are compared with. */
function ownServers({ databaseUrl, temporalAddress }: Addresses): HostPort[] {
  return [new URL(databaseUrl), new URL(`temporal://${temporalAddress}`)].map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || defaultDatabasePort),
  }));
}

/** Dependencies that follow from the configuration alone. */
const settled = (config: Config) => ({
  hostPatienceSeconds: config.hostPatienceSeconds,
  hostInstallSeconds: config.hostInstallSeconds,
  hostSilenceSeconds: config.hostSilenceSeconds,
  healthCheckAllow: config.healthCheckAllow,
  hostAdmission: config.hostAdmission,
  decisions: { mode: config.decideSignal, key: loadDecideKey(config) },
});

const rendererOf = (config: Config): ActivityDeps['renderer'] => ({
  renderAll: createJinja().renderAll,
  hostPath: hostPathIn(config.dataDir),
  hostRules: config.hostRules,
  reach: reachIn(config),
});

const startReads = ({ hostAdmission }: Config, options: Omit<HostReadsOptions, 'hostAdmission'>) =>
  startHostReads({ ...options, hostAdmission });

/** Forwards the engine's log lines to our logger, and exports its metrics at an address, if there is one. */
export function logRuntimeTo(log: Logger, sdkMetrics?: string): void {
  Runtime.install({
    shutdownSignals: [],
    ...(sdkMetrics !== undefined && { telemetryOptions: { metrics: { prometheus: { bindAddress: sdkMetrics } } } }),
    logger: {
      log: (level, message, meta) => log[levels[level]](meta ?? {}, message),
      trace: (message, meta) => log.trace(meta ?? {}, message),
      debug: (message, meta) => log.debug(meta ?? {}, message),
      info: (message, meta) => log.debug(meta ?? {}, message),
      warn: (message, meta) => log.warn(meta ?? {}, message),
      error: (message, meta) => log.error(meta ?? {}, message),
    },
  });
}

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

async function main(): Promise<void> {
  const config = configFromEnvironment();
  const log = createLogger(config, 'worker');
  const sdkMetrics = await sdkMetricsAddress(config);
  logRuntimeTo(log, sdkMetrics);
  const at = findStack(config);
  await warnOfOwnership(at.databaseUrl, log);
  const tracing = await startTracing(config, 'worker', log);
  const worker = await startWorker(config, log, at, { tracing, sdkMetrics });
  const gone = writeRunFile(config.dataDir, { role: 'worker' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void worker.stop());
  log.info({ taskQueue: config.taskQueue }, 'worker is running');
  await worker.done.finally(gone).finally(() => tracing?.stop());
  log.info({}, 'worker has stopped');
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
