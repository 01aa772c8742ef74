// A fetch that is cut short while its package is on the way to the host.
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import type { HostPlace, PutOptions, Runner, RunnerHost } from '../../activities/providers/runner/driver.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, startedTask, testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { accepted, resultsOf, upgrade } from '../support/deploy/acts.ts';
import { hostsOf, install } from '../support/deploy/hosts.ts';
import { listing, runnersOwn } from '../support/deploy/listing.ts';

/** An upload that has gone too far to hear that nobody wants it: it places its file, once it may. */
const upload: { asked?: PutOptions; mayEnd?: () => void } = {};
let inner: Runner;
async function putFile(host: RunnerHost, path: HostPlace, source: string, options: PutOptions): Promise<void> {
  await new Promise<void>((resolve) => Object.assign(upload, { asked: options, mayEnd: resolve }));
  await inner.putFile(host, path, source, { sha256: options.sha256 });
}
const local = new Proxy({} as Runner, {
  get: (_none, name: keyof Runner) => (name === 'putFile' ? putFile : inner[name].bind(inner)),
});

let world: World;
beforeAll(async () => {
  world = await testWorld({ providers: { runners: { local } } });
  inner = createLocalRunner({ dataDir: world.config.dataDir });
});
afterAll(() => world.close());

test('it ends after its upload, so that nothing of the package, nor of one before, is left on the host', async () => {
  const estate = await makeEstate(world, 1);
  const [host] = hostsOf(world, estate);
  if (!host) throw new Error('an estate of one instance has a host');
  await install(world, estate, '1.0.0');
  const id = await startedTask(world, estate, { version: '2.0.0' });
  const before = listing(host.root, [runnersOwn, 'calls']);
  const timeout = 8;
  const subTask = accepted(await upgrade(estate, id, { version: '2.0.0', timeout }));
  await eventually(() => upload.asked !== undefined, { timeout: 60_000 });
  // As of a worker that was killed in the middle of its upload.
  host.write(`.slipway/steps/t${subTask}/.slipway-half`, '');
  host.write('srv/web/.slipway/packages/.slipway-half', '');
  await eventually(() => upload.asked?.signal?.aborted === true, { timeout: 60_000 });
  upload.mayEnd?.();
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'failed' });
  const [result] = await resultsOf(world, subTask);
  expect(result?.message).toContain(`timed out after ${timeout} s`);
  expect(listing(host.root, [runnersOwn, 'calls'])).toEqual(before);
  expect(host.names('.slipway/steps')).toEqual([]);
  expect(host.runs).toBe(true);
}, 180_000);
