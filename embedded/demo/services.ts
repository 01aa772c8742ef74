// The sample services are not children of Slipway: they live on their hosts. The demo stops them at its end, and at the next
// run restarts those that were running.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { localHostFolder } from '../../kit/host-path.ts';
import type { Instance } from './estate.ts';
import { eventually } from './wait.ts';

const run = promisify(execFile);

// The runtime that runs Slipway, and the system's usual folders.
const searchPath = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':');

const current = (root: string): string => join(root, 'srv', 'web', 'current');

async function command(dataDir: string, hostname: string, name: 'start' | 'stop'): Promise<void> {
  const root = localHostFolder(dataDir, hostname);
  const program = join(current(root), 'bin', name);
  if (!existsSync(program)) return;
  await run(program, [], { cwd: current(root), env: { PATH: searchPath, SLIPWAY_HOST_ROOT: root } });
}

const pidOf = (dataDir: string, hostname: string): number => {
  const file = join(localHostFolder(dataDir, hostname), 'run', 'web.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
};

function lives(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Starts the services of running instances, unless they run. */
export async function startServices(dataDir: string, instances: Instance[]): Promise<void> {
  for (const { hostname, status } of instances) {
    if (status === 'running' && !lives(pidOf(dataDir, hostname))) await command(dataDir, hostname, 'start');
  }
}

/** Stops every sample service and waits for its end. */
export async function stopServices(dataDir: string, hostnames: readonly string[]): Promise<void> {
  for (const hostname of hostnames) {
    const pid = pidOf(dataDir, hostname);
    if (!lives(pid)) continue;
    await command(dataDir, hostname, 'stop');
    await eventually(`the service on ${hostname} stops`, () => Promise.resolve(!lives(pid)));
  }
}
