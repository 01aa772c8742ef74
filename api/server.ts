// The API process: configuration, database and engine, then the application on a port. It also runs background jobs: it
// starts workflows that the engine missed, seals the audit chain, and reconciles open tasks with the engine.
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import type { ServerType, WebSocketServerLike } from '@hono/node-server';
import { Client, Connection } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import type { Hono } from 'hono';
import { WebSocketServer } from 'ws';
import { escalationTopic } from '../db/approvals/escalations.ts';
import { startSealing } from '../db/audit/sealing.ts';
import { startNightlyVerification } from '../db/audit/verifications.ts';
import { connect } from '../db/core/connect.ts';
import { createListener } from '../db/coordination/listen.ts';
import { loadMasterKey } from '../db/secrets/master-key.ts';
import { createAcknowledger } from '../db/coordination/outbox.ts';
import { reconsiderTopic } from '../db/deploy/waiting-tasks.ts';
import { relay } from '../db/coordination/outbox-relay.ts';
import { warnOfOwnership } from '../db/database-grants.ts';
import { createSecrets } from '../db/secrets/secrets.ts';
import { findStack } from '../kit/find-stack.ts';
import type { Addresses } from '../kit/find-stack.ts';
import { configFromEnvironment } from '../kit/config/config.ts';
import type { Config } from '../kit/config/config.ts';
import { engineAddress } from '../kit/config/engine-address.ts';
import { createJinja } from '../kit/jinja/index.ts';
import { createLogger } from '../kit/log.ts';
import type { Logger } from '../kit/log.ts';
import { writeRunFile } from '../kit/run-file.ts';
import { startTracing } from '../kit/tracing.ts';
import { createApp } from './app.ts';
import type { AppDeps } from './operations/context.ts';
import { createEngine } from './engine/engine.ts';
import { mountEngineUi } from './engine/engine-ui.ts';
import { mountHealth } from './system/health.ts';
import { createMetrics, mountMetrics } from './system/metrics.ts';
import { startHousekeeping } from './background/housekeeping.ts';
import { mountImages } from './system/images.ts';
import { reconsiderHandler } from './deploy/reconsider.ts';
import { startHandler, startTopic } from './operations/start-workflow.ts';
import { mountLive } from './tasks/output-socket.ts';
import type { LiveOptions } from './tasks/output-socket.ts';
import { emailChangeHandler, emailChangeTopic } from './background/mail/email-changes.ts';
import { escalationHandler } from './background/mail/escalations.ts';
import { passwordLinkHandler, passwordLinkTopic } from './background/mail/password-links.ts';
import { createSendMail } from './background/mail/send.ts';
import { startReconciling } from './background/reconcile.ts';

interface RunningApi {
  port: number;
  /** Accepts no new requests, closes WebSockets, and drains running requests. */
  stop(): Promise<void>;
}

const drainMs = 10_000;
/** Time limits for receiving a request, in milliseconds: one that trickles in is ended with 408. */
const patience = { headersTimeout: 15_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** Starts the API in this process. */
export async function startApi(
  config: Config,
  log: Logger,
  at: Addresses & { uiUrl?: string },
  options: LiveOptions = {},
): Promise<RunningApi> {
  const db = connect(at.databaseUrl, { max: config.databasePool, applicationName: 'slipway-api', log });
  const connection = Connection.lazy(engineAddress(config, at.temporalAddress));
  const acks = createAcknowledger(db, log);
  const secrets = createSecrets({ masterKey: loadMasterKey(config) });
  const engine = createEngine(clientOn(connection, config), config.taskQueue, acks, secrets);
  const listen = createListener(at.databaseUrl, log);
  const deps: AppDeps = {
    db,
    engine,
    jinja: createJinja(),
    secrets,
    config,
    log,
    listen,
    now: () => new Date(),
    pause,
  };

  const metrics = createMetrics(deps);
  const app = createApp(deps);
  mountMetrics(app, deps, metrics);
  mountPages(app, deps, at.uiUrl);
  const live = mountLive(app, deps, { registry: metrics.registry, ...options });
  const release = async (): Promise<void> => {
    await acks.stop();
    await listen.close();
    await connection.close();
    await db.destroy();
  };
  const server = await listenOn(app.fetch, config).catch(async (error: unknown) => {
    await live.closeAll().then(release);
    throw error;
  });
  const keepers = startBackgroundJobs(deps);
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      await live.closeAll();
      await closed(server);
      await Promise.all(keepers.map((keeper) => keeper.stop()));
      await release();
    },
  };
}

function mountPages(app: Hono, deps: AppDeps, uiUrl: string | undefined): void {
  mountHealth(app, deps);
  mountImages(app, deps.config);
  mountEngineUi(app, deps, deps.config.temporalUiUrl ?? uiUrl);
}

// Without tracing the interceptor passes calls through unchanged.
const clientOn = (connection: Connection, { temporalNamespace: namespace }: Config): Client =>
  new Client({ connection, namespace, interceptors: { workflow: [new OpenTelemetryWorkflowClientInterceptor()] } });

/** Background jobs that run alongside the requests. */
function startBackgroundJobs({ db, engine, listen, log, config, secrets, now }: AppDeps): { stop(): Promise<void> }[] {
  const send = createSendMail(config);
  const links = passwordLinkHandler({ db, config, log, send, now });
  const escalations = escalationHandler({ db, log, send });
  const handlers = {
    [startTopic]: startHandler(engine),
    [reconsiderTopic]: reconsiderHandler({ db, engine }),
    [passwordLinkTopic]: links,
    [emailChangeTopic]: emailChangeHandler({ db, config, log, send, now }),
    [escalationTopic]: escalations,
  };
  return [
    relay({ db, handlers, listen, log }),
    startSealing({ db, listen, log, anchorUrl: config.auditAnchorUrl }),
    startNightlyVerification(db, secrets, log),
    startReconciling(db, engine, log),
    startHousekeeping(db, config, log),
  ];
}

function listenOn(fetch: Parameters<typeof serve>[0]['fetch'], { host, port }: Config): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
    // The two packages' types differ only in whether an option may be explicitly undefined.
    const websocket = { server: sockets as unknown as WebSocketServerLike };
    const server = serve({ fetch, hostname: host, port, websocket, serverOptions: patience }, () => resolve(server));
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `${host}:${port} is in use: stop what listens there, or set SLIPWAY_PORT to another port`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error);
    });
  });
}

async function closed(server: ServerType): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  if ('closeIdleConnections' in server) server.closeIdleConnections();
  const timer = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), drainMs);
  await done;
  clearTimeout(timer);
}

async function main(): Promise<void> {
  const config = configFromEnvironment();
  const log = createLogger(config, 'api');
  const at = findStack(config);
  await warnOfOwnership(at.databaseUrl, log);
  const tracing = await startTracing(config, 'api', log);
  const api = await startApi(config, log, at);
  const gone = writeRunFile(config.dataDir, { role: 'api', port: api.port });
  log.info({ host: config.host, port: api.port }, 'API is listening');
  const stop = (): void => {
    log.info({}, 'API is leaving');
    void api
      .stop()
      .finally(gone)
      .finally(() => tracing?.stop());
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
