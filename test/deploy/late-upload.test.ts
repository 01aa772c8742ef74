// A worker that stood still in the middle of an upload, while another one brought the task to its end, places nothing late.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tidy } from '../../activities/deploy/host-scripts.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { eventually } from '../support/harness.ts';
import { expectRefusal } from '../providers/runner.suite.ts';

test('what a worker still brings when the task ends is taken away, and its rename comes to nothing', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-late-'));
  const host = { name: 'web-1', runner: 'local' as const, address: null };
  const runner = createLocalRunner({ dataDir });
  await runner.prepare(host);
  const deployPath = runner.path(host, '/srv/web');
  mkdirSync(deployPath, { recursive: true });
  const root = runner.path(host, '/');
  const steps = join(root, '.slipway/steps');
  const kept = join(steps, 't7');
  const source = join(dataDir, 'source');
  execFileSync('mkfifo', [source]);
  const [first, second] = ['the first half', 'the second half'];
  const sha256 = createHash('sha256').update(`${first}${second}`).digest('hex');
  const upload = runner.putFile(host, { kept: `t7/${sha256}.tar` }, source, { sha256 });
  const refused = expectRefusal(upload, 'refused', 'ENOENT');
  const pipe = await open(source, 'w');
  await pipe.write(first);
  await eventually(() => readdirSync(kept, { encoding: 'utf8' }).some((name) => name.startsWith('.slipway-')));
  // The other worker's last step.
  const env = {
    PATH: process.env.PATH,
    SLIPWAY_HOST_ROOT: root,
    SLIPWAY_STEPS_DIR: steps,
    SLIPWAY_TASK: '7',
    SLIPWAY_DEPLOY_PATH: deployPath,
    SLIPWAY_ROOTS: root,
    SLIPWAY_VERSION: '2.0.0',
    SLIPWAY_PACKAGE: `${sha256}.tar`,
  };
  expect(spawnSync('bash', ['-c', tidy], { env }).status).toBe(0);
  await pipe.write(second);
  await pipe.close();
  await refused;
  expect(readdirSync(steps)).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});
