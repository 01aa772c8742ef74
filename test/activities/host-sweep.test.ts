// Hosts are rid of the jobs of tasks that ended long ago, by one of several workers; what is not over is never touched.
import { sql } from 'kysely';
import { startHostSweep, sweepHosts } from '../../activities/background/host-sweep.ts';
import { unavailable } from '../../activities/providers/error.ts';
import { startWorker } from '../../activities/worker.ts';
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import type { MemoryWorld } from '../../activities/providers/runner/memory.ts';
import type { EndedTasks, Runner, RunnerHost, Swept } from '../../activities/providers/runner/driver.ts';
import { claimSweep, hostsToSweep } from '../../db/hosts/sweeps.ts';
import { endedBefore } from '../../db/tasks/retention.ts';
import { createLogger } from '../../kit/log.ts';
import { admitHosts } from '../support/api/app.ts';
import { eventually, temporalAddress, unique } from '../support/harness.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const dayMs = 86_400_000;
const jobRetentionDays = 7;
const ago = (days: number): Date => new Date(Date.now() - days * dayMs);

let site: World;
let database: World['database'];
let world: MemoryWorld;
const warn = jest.fn();

beforeAll(async () => {
  site = await testWorld({ workers: 0 });
  ({ database } = site);
});
afterAll(() => site.close());
beforeEach(async () => {
  // As with hosts that have been swept for long: up to the limit, not a day of the oldest an hour.
  const caughtUp = { kind: 'host_jobs', takenTime: new Date(), until: new Date() };
  const { takenTime, until } = caughtUp;
  await database.db
    .insertInto('deletionWindows')
    .values(caughtUp)
    .onConflict((on) => on.column('kind').doUpdateSet({ takenTime, until }))
    .execute();
  const { db } = database;
  world = createMemoryWorld();
  warn.mockClear();
  await sql`truncate hosts, tasks cascade`.execute(database.owner);
  expect(await db.selectFrom('hostSweeps').selectAll().execute()).toEqual([]);
});

async function aHost(runner: 'ssh' | 'salt' | 'local' = 'ssh'): Promise<RunnerHost & { id: number }> {
  const name = `sweep-${unique()}`;
  const minionId = runner === 'salt' ? `${name}.minion` : null;
  const { id } = await database.db
    .insertInto('hosts')
    .values({ name, hostType: 'PHY_HOST', status: 'inited', runner, minionId, creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  await admitHosts(database.db, [id]);
  const host = { id, name: minionId ?? name, runner, address: null };
  await createMemoryRunner(world).prepare(host);
  return host;
}

/** A task on these hosts, with a job on each; null: it is still running. */
async function aTask(endedDaysAgo: number | null, ...hosts: (RunnerHost & { id: number })[]): Promise<string> {
  const finishedTime = endedDaysAgo === null ? null : ago(endedDaysAgo);
  const { id: taskId } = await database.db
    .insertInto('tasks')
    .values({ area: 'host', kind: 'init', creator: 'test', timeoutSeconds: 1, finishedTime })
    .returning('id')
    .executeTakeFirstOrThrow();
  const job = `t${taskId}-p0-start-0`;
  for (const [position, host] of hosts.entries()) {
    const result = { taskId, position, hostId: host.id, hostname: host.name };
    await database.db.insertInto('taskResults').values(result).execute();
    const script = { language: 'bash' as const, content: '' };
    await createMemoryRunner(world).start(host, { id: job, script, cwd: '/', env: {}, user: null });
  }
  return job;
}

const jobsOf = ({ name }: RunnerHost): string[] => [...(world.hosts.get(name)?.jobs.keys() ?? [])];
const options = (runner: Runner = createMemoryRunner(world)) => ({
  db: database.db,
  runners: { ssh: runner, salt: runner },
  jobRetentionDays,
  log: { warn, error: warn },
  hostAdmission: 'manage' as const,
});
/** One hourly round of a worker. */
const round = (runner?: Runner): Promise<boolean> => sweepHosts(options(runner), new AbortController().signal);
/** Backdates the last sweep of the hosts by so many days. */
const asked = async (days: number): Promise<void> => {
  await database.db
    .updateTable('hostSweeps')
    .set({ askedTime: ago(days) })
    .execute();
  await database.db
    .updateTable('deletionWindows')
    .set({ takenTime: ago(days) })
    .execute();
};

/** A runner with a custom answer to a sweep. */
function answering(sweep: (host: RunnerHost, ended: EndedTasks) => Promise<Swept>): Runner {
  return Object.assign(createMemoryRunner(world), { sweep });
}

test('jobs of tasks that ended long ago are dropped over SSH and Salt; recent and running ones stay', async () => {
  const hosts = [await aHost('ssh'), await aHost('salt')];
  const open = await aTask(null, ...hosts);
  await aTask(8, ...hosts);
  await aTask(30, ...hosts);
  const recent = await aTask(6, ...hosts);
  expect(await round()).toBe(false);
  for (const host of hosts) expect(jobsOf(host)).toEqual([open, recent]);
  expect(warn).not.toHaveBeenCalled();
});

test('every worker sweeps hosts while it runs tasks, after the configured number of days', async () => {
  const host = await aHost();
  await aTask(30, host);
  const kept = await aTask(19, host);
  const worker = await startWorker(
    { ...site.config, jobRetentionDays: 20 },
    createLogger({ logLevel: 'error' }, 'test'),
    { databaseUrl: database.url, temporalAddress: temporalAddress() },
    { providers: { runners: { ssh: createMemoryRunner(world) } } },
  );
  await eventually(() => jobsOf(host).length === 1, { timeout: 20_000 });
  await worker.stop();
  expect(jobsOf(host)).toEqual([kept]);
});

test('a task that outlived many later ones is dropped after its own end', async () => {
  const host = await aHost();
  const long = await aTask(null, host);
  await aTask(8, host);
  await round();
  expect(jobsOf(host)).toEqual([long]);
  await database.db.updateTable('tasks').set({ finishedTime: new Date() }).where('finishedTime', 'is', null).execute();
  await asked(2);
  await round();
  expect(jobsOf(host)).toEqual([long]);
  await database.db
    .updateTable('tasks')
    .set({ finishedTime: ago(7.01) })
    .where('finishedTime', '>', ago(1))
    .execute();
  await database.db
    .updateTable('hostSweeps')
    .set({ askedTime: ago(2), sweptBefore: ago(9) })
    .execute();
  await round();
  expect(jobsOf(host)).toEqual([]);
});

test('only hosts with newly expired jobs are swept, each at most once a day', async () => {
  const [busy, idle, gone] = [await aHost(), await aHost(), await aHost()];
  const local = await aHost('local');
  await aTask(null, idle);
  await aTask(6, idle);
  await aTask(8, busy, local, gone);
  await database.db.updateTable('hosts').set({ deletedTime: new Date() }).where('id', '=', gone.id).execute();
  await round();
  await round();
  await asked(2);
  await round();
  expect(world.calls.sweep).toBe(1);
  // One more has become old enough since.
  await aTask(7.5, busy);
  await database.db
    .updateTable('hostSweeps')
    .set({ sweptBefore: ago(7.8) })
    .execute();
  await round();
  expect(world.calls.sweep).toBe(2);
  await asked(0.9);
  await aTask(7.5, busy);
  await round();
  expect(world.calls.sweep).toBe(2);
});

test('a host is swept until it is empty, or continued a day later when that takes too many calls', async () => {
  const host = await aHost();
  await aTask(8, host);
  let left = 60;
  const runner = answering(async () => ({ dropped: 1_000, more: (left -= 1) > 0 }));
  await round(runner);
  expect(left).toBe(10);
  await round(runner);
  expect(left).toBe(10);
  await asked(2);
  await round(runner);
  expect(left).toBe(0);
  await asked(2);
  await round(runner);
  expect(left).toBe(0);
});

test('an unreachable host delays no other, is named in a warning, and is retried after a day', async () => {
  const hosts = await Promise.all(Array.from({ length: 12 }, () => aHost()));
  const [silent = hosts[0], ...others] = hosts;
  await aTask(8, ...hosts);
  const silence = Promise.withResolvers<never>();
  const memory = createMemoryRunner(world);
  const runner = answering((host, ended) => (host.name === silent?.name ? silence.promise : memory.sweep(host, ended)));
  const running = round(runner);
  await eventually(() => others.every((host) => jobsOf(host).length === 0));
  silence.reject(unavailable('memory', 'nothing is heard'));
  await running;
  const named = { host: silent?.name, reason: 'nothing is heard' };
  expect(warn.mock.calls).toEqual([[named, expect.stringContaining('asked again in a day')]]);
  await round();
  expect(silent && jobsOf(silent)).toHaveLength(1);
  await asked(2);
  await round();
  expect(silent && jobsOf(silent)).toEqual([]);
});

test('several workers sweep each host once', async () => {
  const hosts = await Promise.all(Array.from({ length: 20 }, () => aHost()));
  await aTask(8, ...hosts);
  await Promise.all([round(), round(), round()]);
  expect(world.calls.sweep).toBe(20);
  expect(hosts.flatMap(jobsOf)).toEqual([]);
});

test('hosts are found in turns, those of the wanted runners that nobody has asked within a day', async () => {
  const local = await aHost('local');
  const hosts = [await aHost(), await aHost('salt'), await aHost()];
  await aTask(8, local, ...hosts);
  const found = async () => (await hostsToSweep(database.db, ['ssh', 'salt'], ago(7), 2, 'manage')).map(({ id }) => id);
  const [first, second, third] = hosts.map(({ id }) => id);
  expect(await found()).toEqual([first, second]);
  expect(await claimSweep(database.db, hosts[0]?.id ?? 0)).toBe(true);
  expect(await claimSweep(database.db, hosts[0]?.id ?? 0)).toBe(false);
  expect(await found()).toEqual([second, third]);
  await asked(2);
  expect(await found()).toEqual([second, third]);
  await round();
  expect(await found()).toEqual([]);
});

test('a sweep without remote runners does nothing, and an invalid response of a host is logged', async () => {
  await aTask(8, await aHost());
  const none = { ...options(), runners: {} };
  expect(await sweepHosts(none, new AbortController().signal)).toBe(false);
  const broken = startHostSweep(options(answering(() => Promise.reject(new Error('a mistake of ours')))));
  await eventually(() => warn.mock.calls.length === 1);
  await broken.stop();
  expect(warn.mock.calls).toEqual([[{ err: new Error('a mistake of ours') }, expect.stringContaining('next round')]]);
});

test('a worker that shuts down waits for no host', async () => {
  const hosts = await Promise.all(Array.from({ length: 8 }, () => aHost()));
  await aTask(8, ...hosts);
  let calls = 0;
  const loop = startHostSweep(options(answering(() => ((calls += 1), new Promise(() => undefined)))));
  await eventually(() => calls === 4);
  await loop.stop();
  expect(calls).toBe(4);
  const rows = await database.db.selectFrom('hostSweeps').select('sweptBefore').execute();
  expect(rows).toEqual(Array.from({ length: 4 }, () => ({ sweptBefore: null })));
});

test('of more open tasks than can be told, those beyond are left for later, and no host counts as done', async () => {
  const host = await aHost();
  const [first, second] = [await aTask(null, host), await aTask(null, host)];
  const old = await aTask(8, host);
  const idOf = (job: string): number => Number(/\d+/.exec(job)?.[0]);
  const told = { below: idOf(second), except: [idOf(first)], isAll: false };
  expect(await endedBefore(database.db, ago(7), 1)).toEqual(told);
  const all = { below: idOf(old) + 1, except: [idOf(first), idOf(second)], isAll: true };
  expect(await endedBefore(database.db, ago(7), 2)).toEqual(all);
  expect(await endedBefore(database.db, ago(9))).toEqual({ below: 1, except: [], isAll: true });
  const kind = { area: 'host', kind: 'init', creator: 'test', timeoutSeconds: 1, finishedTime: null } as const;
  await database.db
    .insertInto('tasks')
    .values(Array.from({ length: 2_000 }, () => kind))
    .execute();
  const beyond = await aTask(8, host);
  await round();
  expect(jobsOf(host)).toEqual([first, second, beyond]);
  expect(await database.db.selectFrom('hostSweeps').select('sweptBefore').execute()).toEqual([{ sweptBefore: null }]);
});
