// The run of the provider tests: that of all tests, within a folder that whatever it starts names in its arguments or its
// environment (TMPDIR). By that the clean-up process finds it and ends it, also when the run is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServers } from '../global-setup.ts';
import { onTeardown } from '../global-teardown.ts';

export default async function providersSetup(): Promise<void> {
  onTeardown(await beginRun());
  await startServers(tmpdir());
}

/** Makes the run's folder the temporary one; returns a function that ends everything started since. */
export async function beginRun(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-run-'));
  // Servers run as users of their own, and read and write below it.
  chmodSync(folder, 0o755);
  const cleanup = spawn(process.execPath, [join(import.meta.dirname, 'cleanup-process.ts'), folder], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  await once(cleanup, 'spawn');
  process.env.TMPDIR = folder;
  return async () => {
    const done = once(cleanup, 'exit');
    cleanup.stdin.end();
    await done;
  };
}
