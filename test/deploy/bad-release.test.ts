// A release that starts and does not work, as a release manager meets it: whoever watches sees it stopped at the canary and
// taken back, and the worker dies twice meanwhile.
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/harness.ts';
import { makeEstate, startedTask, taskOf } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { taskPath } from '../support/deploy/acts.ts';
import { HostFolder, hostsOf } from '../support/deploy/hosts.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';

const patience = { timeout: 60_000, interval: 50 };
let site: ProcessEstate;
let worker: ChildProcess;
let health: Server;

const versionOn = (host: HostFolder): string | undefined => host.lines('srv/web/current/VERSION')[0];

beforeAll(async () => {
  site = await ownEstate();
  [worker] = await Promise.all([site.start('worker'), site.start('api')]);
  // The application of a host: its second version answers, and nothing good.
  health = createServer((request, response) => {
    const works = versionOn(new HostFolder(site, (request.url ?? '').slice(1))) === '1.0.0';
    response.writeHead(works ? 200 : 500).end();
  });
  await new Promise<void>((listening) => health.listen(0, '127.0.0.1', listening));
}, 60_000);
afterAll(async () => {
  await site.close();
  await new Promise((closed) => health.close(closed));
});

const roll = (estate: TestEstate, version: string): Promise<number> => {
  const url = `http://127.0.0.1:${(health.address() as AddressInfo).port}/{{hostname}}`;
  const strategy = { mode: 'rolling', canary: 1, batch_size: 3, on_failure: 'revert' };
  const check = { health_check: { url, retries: 1, timeout_seconds: 2 } };
  return startedTask(site, estate, { version, strategy: { ...strategy, ...check } });
};

const ends = (id: number, status: string) =>
  eventually(async () => (await taskOf(site, id)).status === status, patience);

const subTasks = (id: number) =>
  site.db.selectFrom('tasks').select(['id', 'kind', 'version', 'status']).where('deployTaskId', '=', id).orderBy('id');

/** From now on the application takes its time to stop, and says so. */
const stopSlowly = ({ applicationId }: TestEstate) =>
  site.db
    .updateTable('applications')
    .set(({ eb }) => ({
      stopCmd: eb('stopCmd', '||', '; for n in $(seq 30); do echo "line $n"; sleep 0.05; done'),
    }))
    .where('id', '=', applicationId)
    .execute();

/** The worker dies while the application stops in this sub-task; another takes its place. */
async function dieDuring(id: number, kind: 'upgrade' | 'revert'): Promise<void> {
  await eventually(async () => {
    const one = await subTasks(id).where('kind', '=', kind).executeTakeFirst();
    if (!one) return false;
    const lines = await site.db.selectFrom('taskOutput').select('seq').where('taskId', '=', one.id).execute();
    return lines.length > 0;
  }, patience);
  await ended(worker, 'SIGKILL');
  worker = await site.start('worker');
}

test('a bad release is stopped at the canary and reverted automatically, though the worker is killed in both', async () => {
  const estate = await makeEstate(site, 4);
  await ends(await roll(estate, '1.0.0'), 'finished');
  await stopSlowly(estate);

  const id = await roll(estate, '2.0.0');
  await dieDuring(id, 'upgrade');
  await dieDuring(id, 'revert');
  await ends(id, 'failed');

  const made = await subTasks(id).execute();
  expect(made.map(({ kind, version, status }) => [kind, version, status])).toEqual([
    ['upgrade', '2.0.0', 'finished'],
    ['revert', '1.0.0', 'finished'],
  ]);
  for (const { id: taskId } of made) {
    const rows = await site.db
      .selectFrom('taskOutput')
      .selectAll()
      .where('taskId', '=', taskId)
      .orderBy('seq')
      .execute();
    const lines = rows.filter(({ step, stream, text }) => step === 'stop' && stream === 'stdout' && /^line/.test(text));
    expect(lines.map(({ text }) => text)).toEqual(Array.from({ length: 30 }, (_, n) => `line ${n + 1}`));
  }
  const [canary, ...others] = hostsOf(site, estate);
  expect(canary?.calls).toEqual(['start 1.0.0', 'stop', 'start 2.0.0', 'stop', 'start 1.0.0']);
  for (const host of others) expect(host.calls).toEqual(['start 1.0.0']);
  for (const host of hostsOf(site, estate)) expect([versionOn(host), host.runs]).toEqual(['1.0.0', true]);
  const { body } = await estate.manager.get(taskPath(id));
  expect(body).toMatchObject({ progress: { instances: 4, on_version: 0 } });
  expect(body['error']).toMatch(new RegExp(`^${estate.hostnames[0]}: answers 500, not 200; .*everything is reverted`));
}, 240_000);
