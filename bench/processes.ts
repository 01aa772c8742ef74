import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const patienceMs = 30_000;

export interface Child {
  pid: number;
  stop(): Promise<void>;
}

/** Runs a file of Slipway, given relative to the root, with these variables. */
export type Run = (file: string, env: Readonly<Record<string, string>>, args?: readonly string[]) => Child;

/** Starts processes that write to `output.log` of a folder; `stop` ends those still running. */
export function processes(dataDir: string): { run: Run; stopAll(): Promise<void> } {
  const children = new Set<Child>();
  return {
    run(file, env, args = []) {
      const { pid, stop } = startChild(dataDir, file, env, args);
      const child: Child = {
        pid,
        stop: async () => {
          children.delete(child);
          await stop();
        },
      };
      children.add(child);
      return child;
    },
    async stopAll() {
      await Promise.all([...children].map((child) => child.stop()));
    },
  };
}

function startChild(
  dataDir: string,
  file: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Child {
  const output = openSync(join(dataDir, 'output.log'), 'a');
  const child = spawn(process.execPath, [join(root, file), ...args], {
    cwd: dataDir,
    // Without the caller's environment, so that their settings don't affect the measurement.
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: homedir(), TZ: 'UTC', ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const gone = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await gone;
      clearTimeout(timer);
    },
  };
}
