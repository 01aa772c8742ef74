// A worker that is asked to leave, in the middle of many deploys: its successor goes on with each where it was, and what was
// asked for meanwhile is answered in the end.
import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, packagePath, taskOf } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { taskPath } from '../support/deploy/acts.ts';
import { FollowingClient } from '../support/deploy/follower.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { hostsOf } from '../support/deploy/hosts.ts';
import { postUntilAnswered } from '../support/deploy/post-until-answered.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';

const deployCount = 20;
const lateCount = 4;
const patience = 120_000;
const half = 15;

let site: ProcessEstate;
let worker: ChildProcess;

beforeAll(async () => {
  site = await ownEstate();
  [worker] = await Promise.all([site.start('worker'), site.start('api')]);
}, patience);
afterAll(() => site.close());

/** Hooks wait for it in their middle; while it is not there no deploy can end. */
const gate = (): string => join(site.config.dataDir, 'gate');
const did = (effect: string): string => `echo "${effect}" >> "$SLIPWAY_HOST_ROOT/effects"\n`;
const say = (from: number, to: number): string => `for n in $(seq ${from} ${to}); do echo "line $n"; done\n`;
const quick = (step: string): string => did(step) + say(1, 2 * half);
const held = (step: string): string =>
  did(step) + say(1, half) + `while [ ! -e "${gate()}" ]; do sleep 0.5; done\n` + say(half + 1, 2 * half);

interface Deploy {
  estate: TestEstate;
  id: number;
  /** The hook that waits. */
  held: 'pre_exec' | 'post_exec';
}

interface Upgrade extends Deploy {
  subTask: number;
  follower: FollowingClient;
}

/** A running deploy task of an application on one host, without an upgrade yet. */
async function begun(index: number): Promise<Deploy> {
  const estate = await makeEstate(site, 1);
  const startupCmd = did('start $(cat VERSION)');
  const { applicationId } = estate;
  await site.db
    .updateTable('applications')
    .set({ startupCmd, stopCmd: '', pidPath: '' })
    .where('id', '=', applicationId)
    .execute();
  const which = index % 2 === 0 ? 'pre_exec' : 'post_exec';
  const scripts = { pre_exec: quick('pre_exec'), post_exec: quick('post_exec'), [which]: held(which) };
  await setHooks(site, estate, {
    pre_exec: await makeScript(site, scripts.pre_exec),
    post_exec: await makeScript(site, scripts.post_exec),
  });
  const id = await makeTask(site, estate, { level: 'I' });
  await postUntilAnswered(estate.manager, taskPath(id, 'actions/start/'), undefined, { good: 200, patience });
  return { estate, id, held: which };
}

/** Asks for the upgrade of a deploy, whether there is a worker or not. */
async function upgraded(deploy: Deploy): Promise<Upgrade> {
  const { manager, instanceIds } = deploy.estate;
  const wish = { instances: instanceIds.map((id) => ({ id })), update_source: packagePath('1.0.0'), version: '1.0.0' };
  const path = taskPath(deploy.id, 'sub-upgrade-tasks/');
  const subTask = Number((await postUntilAnswered(manager, path, wish, { good: 202, patience }))['task_id']);
  return {
    ...deploy,
    subTask,
    follower: new FollowingClient(`${site.liveUrl}/ws/tasks/${subTask}/output`, manager.token),
  };
}

const outputOf = (subTask: number) =>
  site.db.selectFrom('taskOutput').selectAll().where('taskId', '=', subTask).orderBy('seq').execute();

/** Whether its hook waits, with what it has said so far copied. */
const isHeld = ({ follower, held: step }: Upgrade): boolean =>
  follower.lines.filter((line) => line.step === step).length >= half;

async function expectWholeAndOnce({ estate, id, subTask, follower }: Upgrade): Promise<void> {
  expect(await endedTask(site, subTask, patience)).toMatchObject({ status: 'finished', error: null });
  const [host] = hostsOf(site, estate);
  expect(host?.lines('effects')).toEqual(['pre_exec', 'start 1.0.0', 'post_exec']);
  const rows = await outputOf(subTask);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
  const textsOf = (step: string): string[] => rows.filter((row) => row.step === step).map(({ text }) => text);
  const lines = Array.from({ length: 2 * half }, (_, index) => `line ${index + 1}`);
  expect(textsOf('pre_exec')).toEqual(lines);
  expect(textsOf('post_exec')).toEqual(lines);
  expect(textsOf('unpack')).toEqual(['unpacked to releases/1.0.0']);
  expect(textsOf('switch')).toEqual(['current is releases/1.0.0']);
  expect(textsOf('fetch')).toHaveLength(1);
  expect(await follower.end).toBe('finished');
  expect(follower.lines.map(({ seq, text }) => [seq, text])).toEqual(rows.map(({ seq, text }) => [seq, text]));
  await eventually(async () => (await taskOf(site, id)).status === 'finished', { timeout: patience, interval: 100 });
}

test('a worker that leaves in the middle of twenty deploys loses and repeats nothing, nor does what is asked meanwhile', async () => {
  const deploys: Deploy[] = [];
  while (deploys.length < deployCount + lateCount)
    deploys.push(...(await Promise.all([0, 1, 2, 3].map((index) => begun(index)))));
  const running = await Promise.all(deploys.slice(0, deployCount).map(upgraded));
  await eventually(() => running.every(isHeld), { timeout: patience, interval: 100 });

  const left = ended(worker, 'SIGTERM');
  const asked = Promise.all(deploys.slice(deployCount).map(upgraded));
  expect(await left).toBe(0);
  expect(existsSync(gate())).toBe(false);
  // The rest is done and said while there is no worker, or not all of one.
  writeFileSync(gate(), '');
  worker = await site.start('worker');

  for (const one of [...running, ...(await asked)]) await expectWholeAndOnce(one);
}, 240_000);
