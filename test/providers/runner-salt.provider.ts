import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunnerHost } from '../../activities/providers/runner/driver.ts';
import { hostKey } from '../../activities/providers/runner/agent/protocol.ts';
import { createSaltRunner } from '../../activities/providers/runner/salt/transport.ts';
import { sweepSuite } from './runner-sweep.suite.ts';
import { valuesSuite } from './runner-values.suite.ts';
import type { WithFolders } from './runner-values.suite.ts';
import { runnerSuite } from './runner.suite.ts';
import { runningSalt } from '../support/servers/salt.ts';

async function open(): Promise<WithFolders> {
  const salt = await runningSalt();
  const host: RunnerHost = { name: salt.minions[0], runner: 'salt', address: null };
  const folder = mkdtempSync(join(tmpdir(), 'slipway-salt-files-'));
  await createSaltRunner(salt.settings).prepare(host);
  return {
    host,
    folder,
    another: () => createSaltRunner(salt.settings),
    folderOf: (jobId) => join('/var/lib/slipway/jobs', hostKey(host.name), jobId),
    teach: () => undefined,
    close: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

runnerSuite('salt', open);
valuesSuite('salt', open);
sweepSuite('salt', open);
