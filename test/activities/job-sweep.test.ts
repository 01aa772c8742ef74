import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sweepJobs } from '../../activities/background/local-job-sweep.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import type { Runner, RunnerHost } from '../../activities/providers/runner/driver.ts';
import { eventually, testDatabase, type TestDatabase } from '../support/harness.ts';

const dayMs = 86_400_000;
const before = new Date(Date.now() - 7 * dayMs);
const host: RunnerHost = { name: 'sweep-1', runner: 'local', address: null };

let database: TestDatabase;
let dataDir: string;
let runner: Runner;
beforeAll(async () => {
  database = await testDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'slipway-sweep-'));
  runner = createLocalRunner({ dataDir });
  await runner.prepare(host);
});
afterAll(async () => {
  await database.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const jobs = () => join(dataDir, 'hosts', host.name, '.slipway', 'jobs');

/** A task that ended so many days ago; null: it is still running. */
async function task(endedDaysAgo: number | null): Promise<number> {
  const finishedTime = endedDaysAgo === null ? null : new Date(Date.now() - endedDaysAgo * dayMs);
  const status = endedDaysAgo === null ? ('running' as const) : ('finished' as const);
  const none = {
    number: null,
    deployTaskId: null,
    applicationId: null,
    version: null,
    updateSource: null,
    error: null,
  };
  const { id } = await database.db
    .insertInto('tasks')
    .values({ area: 'instance', kind: 'start', creator: 'test', timeoutSeconds: 1, status, finishedTime, ...none })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

async function job(taskId: number, content = 'true', step = 'start'): Promise<string> {
  const id = `t${taskId}-p0-${step}-0`;
  const script = { language: 'bash' as const, content };
  await runner.start(host, { id, script, cwd: '/', env: {}, user: null });
  if (content === 'true') await eventually(async () => (await runner.state(host, id)).state === 'exited');
  return id;
}

test('jobs of tasks that ended long ago are dropped; those of recent, running and unknown tasks stay', async () => {
  const old = await task(8);
  const dropped = [await job(old), await job(old, 'true', 'check')];
  const kept = [await job(await task(6)), await job(await task(null)), await job(999_999_999)];
  await sweepJobs(database.db, dataDir, before);
  const here = readdirSync(jobs());
  expect(dropped.filter((id) => here.includes(id))).toEqual([]);
  expect(kept.filter((id) => !here.includes(id))).toEqual([]);
  await sweepJobs(database.db, dataDir, before);
  expect(readdirSync(jobs())).toEqual(here);
});

test('a running job is kept, and deleted once it has ended', async () => {
  const id = await job(await task(8), 'sleep 600');
  await sweepJobs(database.db, dataDir, before);
  expect((await runner.state(host, id)).state).toBe('running');
  await runner.kill(host, id, 100);
  await sweepJobs(database.db, dataDir, before);
  expect(existsSync(join(jobs(), id))).toBe(false);
});

test('incomplete folders are deleted once they are old; a data folder without hosts is not an error', async () => {
  const [stale, fresh] = [join(jobs(), '.stale'), join(jobs(), '.fresh')];
  for (const folder of [stale, fresh]) mkdirSync(folder);
  utimesSync(stale, new Date(0), new Date(0));
  await sweepJobs(database.db, dataDir, before);
  expect([existsSync(stale), existsSync(fresh)]).toEqual([false, true]);
  await sweepJobs(database.db, join(dataDir, 'nowhere'), before);
});
