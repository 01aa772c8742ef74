// `npm run demo`: the main job on a sample estate. Outside CI it stays up afterwards.
import { readFileSync } from 'node:fs';
import { configFromEnvironment } from '../kit/config/config.ts';
import type { Config } from '../kit/config/config.ts';
import { createLogger } from '../kit/log.ts';
import { estate, hostnames } from './demo/estate.ts';
import { people } from './demo/people.ts';
import { say, step } from './demo/print.ts';
import { startServices, stopServices } from './demo/services.ts';
import { story, versions } from './demo/story.ts';
import { adminPasswordFile, greeting, startSlipway, stopOnSignal } from './start.ts';

async function main(): Promise<void> {
  const config = configFromEnvironment();
  const once = process.env['CI'] === 'true' || process.argv.includes('--once');
  const log = createLogger({ ...config, logLevel: 'warn' }, 'server');
  const slipway = await step('Slipway starts: PostgreSQL, Temporal, a worker and the API', () =>
    startSlipway(config, log),
  );
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopServices(config.dataDir, hostnames).finally(() => slipway.stop()));
  const signalled = stopOnSignal(stop);
  try {
    await play(config, slipway.url);
    const adminPassword = slipway.adminPassword === undefined ? undefined : passwordOf(config);
    process.stdout.write(greeting(config, { ...slipway, adminPassword }, 'said once'));
    if (once) {
      await stop();
      return;
    }
    say('Ctrl-C stops everything; another `npm run demo` goes on from here.\n');
  } catch (error) {
    await stop();
    throw error;
  }
  await signalled;
}

const passwordOf = (config: Config): string =>
  config.adminPassword ?? readFileSync(adminPasswordFile(config), 'utf8').trim();

async function play(config: Config, url: string): Promise<void> {
  const { dataDir } = config;
  const everybody = await step('Two people: mei releases, li reviews', () => people(url, dataDir, passwordOf(config)));
  const sample = await step('An application with two instances on local hosts, a package, hooks', async () => {
    const made = await estate(everybody, dataDir, versions);
    await startServices(dataDir, made.instances);
    return made;
  });
  await story({ people: everybody, estate: sample, dataDir });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
