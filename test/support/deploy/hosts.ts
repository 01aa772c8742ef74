// What lies on a local host, as a test looks at it.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { localHostFolder } from '../../../kit/host-path.ts';
import { processIdentity } from '../../../kit/process-identity.ts';
import { startup } from '../world.ts';
import type { Site, TestEstate } from '../world.ts';

export class HostFolder {
  readonly root: string;

  constructor(site: Pick<Site, 'config'>, hostname: string) {
    this.root = localHostFolder(site.config.dataDir, hostname);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }

  /** Lines of a file; none when it is not there. */
  lines(path: string): string[] {
    if (!existsSync(this.at(path))) return [];
    return readFileSync(this.at(path), 'utf8').trim().split('\n');
  }

  /** What `current` points to; null when it is not there. */
  get current(): string | null {
    const path = this.at('srv/web/current');
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : null;
  }

  names(path: string): string[] {
    return existsSync(this.at(path)) && lstatSync(this.at(path)).isDirectory() ? readdirSync(this.at(path)).sort() : [];
  }

  get releases(): string[] {
    return this.names('srv/web/releases');
  }

  /** Lines that the application's own commands have left: what was started and stopped. */
  get calls(): string[] {
    return this.lines('calls');
  }

  /** Whether the process of the pid file lives. */
  get runs(): boolean {
    return isAlive(Number(this.lines('run/web.pid')[0] ?? 0));
  }
}

export const isAlive = (pid: number): boolean => processIdentity(pid) !== undefined;

export const hostsOf = (site: Pick<Site, 'config'>, { hostnames }: TestEstate): HostFolder[] =>
  hostnames.map((hostname) => new HostFolder(site, hostname));

/** Has an estate run a version as an upgrade leaves it, without one; `start` is its start command. */
export async function install(
  site: Pick<Site, 'config' | 'db'>,
  estate: TestEstate,
  version: string,
  start = startup,
): Promise<void> {
  for (const host of hostsOf(site, estate)) {
    host.write(`srv/web/releases/${version}/VERSION`, `${version}\n`);
    symlinkSync(`releases/${version}`, host.at('srv/web/current'));
    const env = { PATH: process.env.PATH, SLIPWAY_HOST_ROOT: host.root, SLIPWAY_PID_FILE: host.at('run/web.pid') };
    execFileSync('bash', ['-c', start], { cwd: host.at('srv/web/current'), env, stdio: 'ignore' });
  }
  await site.db
    .updateTable('instances')
    .set({ version, status: 'running', releases: JSON.stringify([version]) })
    .where('id', 'in', estate.instanceIds)
    .execute();
}
