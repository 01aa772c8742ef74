import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunnerHost } from '../../activities/providers/runner/driver.ts';
import { createSaltRunner } from '../../activities/providers/runner/salt/index.ts';
import { runnerSuite } from './runner.suite.ts';
import { runningSalt } from './servers/salt.ts';

runnerSuite('salt', async () => {
  const salt = await runningSalt();
  const host: RunnerHost = { name: salt.minions[0], runner: 'salt', address: null };
  const folder = mkdtempSync(join(tmpdir(), 'slipway-salt-files-'));
  await createSaltRunner(salt.settings).prepare(host);
  return {
    ...{ host, folder },
    another: () => createSaltRunner(salt.settings),
    teach: () => undefined,
    close: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
});
