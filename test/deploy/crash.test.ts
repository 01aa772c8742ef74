// Whatever dies in the middle of a sub-upgrade: no command runs twice, no line is lost or repeated, and everything ends.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { localHostFolder } from '../../kit/host-path.ts';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, startedTask, taskOf } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { accepted, act, outcome, upgrade } from '../support/deploy/acts.ts';
import { FollowingClient } from '../support/deploy/follower.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';

const lineCount = 200;
const executed = (step: string): string => `echo ${step} >> "$SLIPWAY_HOST_ROOT/executed"\n`;
const slow = `${executed('pre_exec')}for n in $(seq ${lineCount}); do echo "line $n of {{ instance.hostname }}"; sleep 0.02; done\n`;

let site: ProcessEstate;
const running: Partial<Record<'worker' | 'api', ChildProcess>> = {};

async function begin(role: 'worker' | 'api'): Promise<void> {
  running[role] = await site.start(role);
}

beforeAll(async () => {
  site = await ownEstate();
  await Promise.all([begin('worker'), begin('api')]);
}, 60_000);
afterAll(() => site.close());

interface Rollout {
  estate: TestEstate;
  id: number;
  subTask: number;
  follower: FollowingClient;
}

/** A sub-upgrade of two instances in the middle of its slow hook, with somebody who watches it. */
async function inTheMiddle(): Promise<Rollout> {
  const estate = await makeEstate(site);
  await setHooks(site, estate, {
    global_pre_exec: await makeScript(site, executed('global_pre_exec')),
    pre_exec: await makeScript(site, slow),
    post_exec: await makeScript(site, executed('post_exec')),
    global_post_exec: await makeScript(site, executed('global_post_exec')),
  });
  const id = await startedTask(site, estate);
  const subTask = accepted(await upgrade(estate, id));
  const follower = new FollowingClient(`${site.liveUrl}/ws/tasks/${subTask}/output`, estate.manager.token);
  await eventually(() => follower.lines.length > lineCount / 2, { timeout: 20_000 });
  return { estate, id, subTask, follower };
}

const outputOf = (subTask: number) =>
  site.db.selectFrom('taskOutput').selectAll().where('taskId', '=', subTask).orderBy('seq').execute();

async function expectWholeAndOnce({ estate, id, subTask, follower }: Rollout): Promise<void> {
  expect(await endedTask(site, subTask)).toMatchObject({ status: 'finished', error: null });
  const rows = await outputOf(subTask);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
  for (const [index, hostname] of estate.hostnames.entries()) {
    const lines = rows.filter(
      ({ host, step, stream }) => host === hostname && step === 'pre_exec' && stream === 'stdout',
    );
    const expected = Array.from({ length: lineCount }, (_, n) => `line ${n + 1} of ${hostname}`);
    expect(lines.map(({ text }) => text)).toEqual(expected);
    const root = localHostFolder(site.config.dataDir, hostname);
    const steps =
      index === 0 ? ['global_pre_exec', 'pre_exec', 'post_exec', 'global_post_exec'] : ['pre_exec', 'post_exec'];
    expect(readFileSync(join(root, 'executed'), 'utf8').trim().split('\n')).toEqual(steps);
    expect(readFileSync(join(root, 'calls'), 'utf8')).toBe('start 1.0.0\n');
  }
  expect(await follower.end).toBe('finished');
  expect(follower.lines.map(({ seq, text }) => [seq, text])).toEqual(rows.map(({ seq, text }) => [seq, text]));
  await eventually(async () => (await taskOf(site, id)).status === 'finished', { timeout: 20_000 });
}

async function withEngine<T>(look: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: site.stack.temporalAddress });
  return look(new Client({ connection })).finally(() => connection.close());
}

/** Holds the row of a deploy task, so that what would be recorded of it waits. */
async function hold(id: number): Promise<{ isWaitedFor(): Promise<boolean>; release(): Promise<void> }> {
  const holder = await site.db.startTransaction().execute();
  await holder.selectFrom('deployTasks').select('id').where('id', '=', id).forUpdate().execute();
  return {
    isWaitedFor: async () => {
      const { rows } = await sql`select pid from pg_locks where not granted`.execute(site.db);
      return rows.length > 0;
    },
    release: async () => {
      await holder.rollback().execute();
    },
  };
}

/** The failures for which steps of a sub-task were begun again. */
const retriesOf = (id: number): Promise<string[]> =>
  withEngine(async ({ workflow }) => {
    const { events } = await workflow.getHandle(subTaskWorkflowId(id, 'upgrade', 1)).fetchHistory();
    return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) => {
      const failure = started?.lastFailure;
      return failure ? [failure.applicationFailureInfo?.type ?? failure.message ?? ''] : [];
    });
  });

test('a worker that is killed is replaced by another, which goes on where it was', async () => {
  const rollout = await inTheMiddle();
  const { worker } = running;
  if (worker) await ended(worker, 'SIGKILL');
  const before = (await outputOf(rollout.subTask)).length;
  await begin('worker');
  await expectWholeAndOnce(rollout);
  expect((await outputOf(rollout.subTask)).length).toBeGreaterThan(before);
  expect(await retriesOf(rollout.id)).toContainEqual(expect.stringContaining('eartbeat'));
}, 60_000);

test('a decision that comes just after the worker was killed is taken by the next one', async () => {
  const estate = await makeEstate(site, 1);
  const ids = await Promise.all(Array.from({ length: 10 }, () => makeTask(site, estate)));
  // Each is in that worker's memory, and waits.
  await withEngine(({ workflow }) =>
    Promise.all(ids.map((id) => workflow.getHandle(deployTaskWorkflowId(id)).query(stateQuery))),
  );
  const { worker } = running;
  if (worker) await ended(worker, 'SIGKILL');
  await begin('worker');
  const answers = await Promise.all(ids.map((id) => act(estate.reviewer, id, 'approve')));
  expect(answers.map(outcome)).toEqual(ids.map(() => [200, 0]));
}, 60_000);

test('a decision over whose record the worker is killed is recorded by the next one, once', async () => {
  const estate = await makeEstate(site, 1);
  const id = await makeTask(site, estate);
  const { worker } = running;
  const held = await hold(id);
  const answer = act(estate.reviewer, id, 'approve');
  await eventually(held.isWaitedFor);
  if (worker) await ended(worker, 'SIGKILL');
  await held.release();
  await begin('worker');
  expect(outcome(await answer)).toEqual([200, 0]);
  const records = site.db.selectFrom('auditRecords').select('opType').where('targetId', '=', id);
  const kinds = await records.where('operator', '=', estate.reviewer.username).execute();
  expect(kinds.map(({ opType }) => opType)).toEqual(['update']);
}, 60_000);

test('a worker that is asked to leave hands its steps over at once', async () => {
  const rollout = await inTheMiddle();
  const { worker } = running;
  expect(worker && (await ended(worker, 'SIGTERM'))).toBe(0);
  await begin('worker');
  await expectWholeAndOnce(rollout);
  const retries = await retriesOf(rollout.id);
  expect(retries.length).toBeGreaterThan(0);
  expect(new Set(retries)).toEqual(new Set(['HandedOver']));
}, 60_000);

test('an API that is killed takes nothing along, and its watchers go on after their last line', async () => {
  const rollout = await inTheMiddle();
  const { api } = running;
  if (api) await ended(api, 'SIGKILL');
  await begin('api');
  await expectWholeAndOnce(rollout);
  expect(rollout.follower.connections).toBe(2);
  expect(await retriesOf(rollout.id)).toEqual([]);
}, 60_000);

test('an engine that is killed finds all of it again', async () => {
  const rollout = await inTheMiddle();
  const pid = site.stack.pids.temporal ?? 0;
  process.kill(pid, 'SIGKILL');
  await expectWholeAndOnce(rollout);
  expect(site.stack.pids.temporal).not.toBe(pid);
  expect([running.worker?.exitCode, running.api?.exitCode]).toEqual([null, null]);
}, 60_000);

test('a database that is killed has every line that was written, and gets the others', async () => {
  const rollout = await inTheMiddle();
  const pid = site.stack.pids.postgres ?? 0;
  process.kill(pid, 'SIGKILL');
  await eventually(() => site.stack.pids.postgres !== pid, { timeout: 20_000 });
  await eventually(() => outputOf(rollout.subTask), { timeout: 20_000 });
  await expectWholeAndOnce(rollout);
  expect([running.worker?.exitCode, running.api?.exitCode]).toEqual([null, null]);
}, 60_000);
