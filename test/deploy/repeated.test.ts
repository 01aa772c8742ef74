// An activity that has done its work and whose answer is lost is tried again with the same input: whatever it does, the
// second time changes nothing. Each story is told twice, the second time with every first answer lost, and ends the same.
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { ActivityDeps } from '../../activities/deps.ts';
import { createDeployActivities } from '../../activities/deploy/host-activities.ts';
import { createDeployRecordActivities } from '../../activities/deploy/record-activities.ts';
import { createMaintenanceActivities } from '../../activities/maintenance/activities.ts';
import { createMemoryMonitoring, createMonitoringWorld } from '../../activities/providers/monitoring/memory.ts';
import type { Activities } from '../../activities/index.ts';
import { stateQuery } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, stepNames } from '../../workflows/deploy/contract.ts';
import type { StepInput } from '../../workflows/deploy/ports.ts';
import { eventually, unique } from '../support/harness.ts';
import {
  endedTask,
  makeEstate,
  makeTask,
  packagePath,
  placePackage,
  startedTask,
  taskOf,
  testWorld,
} from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import type { TestUser } from '../support/api/app.ts';
import {
  accepted,
  act,
  approveSeen,
  outcome,
  resultsOf,
  revert,
  signed,
  taskPath,
  traces,
  upgrade,
} from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { hostsOf, install } from '../support/deploy/hosts.ts';
import { listing, processesOf, runnersOwn } from '../support/deploy/listing.ts';

let losing = false;
/** Activities of which an answer has been lost, by run and id. */
const lost = new Set<string>();
/** What they were; a step by its name. */
const covered = new Set<string>();

const losingAnswers = (real: Activities): Activities =>
  Object.fromEntries(
    Object.entries(real).map(([name, activity]) => [
      name,
      async (input: never): Promise<unknown> => {
        const answer = await activity(input);
        const { activityId, workflowExecution } = Context.current().info;
        const key = `${workflowExecution?.runId ?? ''} ${activityId}`;
        if (!losing || lost.has(key)) return answer;
        lost.add(key);
        covered.add(name === 'runStep' ? `runStep ${(input as StepInput).step}` : name);
        throw ApplicationFailure.create({ type: 'AnswerLost', message: 'its answer is lost', nextRetryDelay: '1ms' });
      },
    ]),
  );

let world: World;
let admin: TestUser;
const monitored = createMonitoringWorld();
const patience = { timeout: 280_000, interval: 100 };

/** An estate that runs 1.0.0, has kept 0.9.0, and is known to monitoring. */
async function running(instances = 1): Promise<TestEstate> {
  const estate = await makeEstate(world, instances);
  await install(world, estate, '1.0.0');
  for (const host of hostsOf(world, estate)) host.write('srv/web/releases/0.9.0/VERSION', '0.9.0\n');
  await world.db
    .updateTable('instances')
    .set({ releases: JSON.stringify(['1.0.0', '0.9.0']) })
    .where('id', 'in', estate.instanceIds)
    .execute();
  await world.db
    .updateTable('deploySettings')
    .set({ keepBackups: 1 })
    .where('applicationId', '=', estate.applicationId)
    .execute();
  for (const name of estate.hostnames)
    monitored.hosts.set(name, { groups: [], templates: [], enabled: true, addresses: [], problems: [] });
  return estate;
}

const becomes = (id: number, status: string) =>
  eventually(async () => (await taskOf(world, id)).status === status, patience);
const upgraded = async (estate: TestEstate, id: number, more: object = {}) =>
  endedTask(world, accepted(await upgrade(estate, id, { version: '2.0.0', timeout: 600, ...more })), patience.timeout);
const done = async (answer: ReturnType<typeof act>): Promise<void> => {
  expect(outcome(await answer)).toEqual([200, 0]);
};
const v2 = { version: '2.0.0' };

interface Story {
  estate: TestEstate;
  /** Deploy tasks. */
  ids: number[];
}

const stories: Record<string, () => Promise<Story>> = {
  async 'a change, votes by message and an upgrade with all hooks'() {
    const estate = await running();
    const said = (hook: string) => makeScript(world, `echo ${hook} | tee -a "$SLIPWAY_HOST_ROOT/hooks"`);
    await setHooks(world, estate, {
      global_pre_exec: await said('first'),
      pre_exec: await said('before'),
      post_exec: await said('after'),
      global_post_exec: await said('last'),
    });
    const id = await makeTask(world, estate, v2);
    expect((await estate.manager.patch(taskPath(id), { description: 'another way' })).status).toBe(200);
    const handle = world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
    const { planHash } = await taskOf(world, id);
    const message = { decision: 'approve', actor: 'nobody', channel: 'chat', messageId: unique(), planHash };
    await handle.signal('decide', signed(world, id, message));
    await eventually(
      async () => (await traces(world, id)).audit.some(({ outcome: how }) => how === 'refused'),
      patience,
    );
    const known = { ...message, actor: estate.reviewer.username, messageId: unique() };
    await handle.signal('decide', signed(world, id, known));
    await becomes(id, 'approved');
    // The row is written before its workflow believes it, which is a moment later when the answer is lost.
    await eventually(() => done(act(estate.manager, id, 'start')), patience);
    expect(await upgraded(estate, id)).toMatchObject({ status: 'finished' });
    await becomes(id, 'finished');
    return { estate, ids: [id] };
  },

  async 'an upgrade that fails in its last step'() {
    const estate = await running();
    await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 3') });
    const id = await startedTask(world, estate, v2);
    expect(await upgraded(estate, id)).toMatchObject({ status: 'failed' });
    await done(act(estate.manager, id, 'close'));
    return { estate, ids: [id] };
  },

  async 'an upgrade that is too slow'() {
    const estate = await running();
    await setHooks(world, estate, { pre_exec: await makeScript(world, 'sleep 600') });
    const id = await startedTask(world, estate, v2);
    const subTask = accepted(await upgrade(estate, id, { ...v2, timeout: 20 }));
    expect(await endedTask(world, subTask, patience.timeout)).toMatchObject({ status: 'failed' });
    await done(act(estate.manager, id, 'close'));
    return { estate, ids: [id] };
  },

  async 'a package that comes later'() {
    const estate = await running();
    const id = await makeTask(world, estate, { ...v2, package_source: packagePath('late') });
    // The row has the plan before its workflow knows of it, and a plan that is made once more would read the package.
    const handle = world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
    await eventually(async () => (await handle.query(stateQuery)).planHash !== null, patience);
    await placePackage(world, estate, 'late');
    await eventually(async () => (await taskOf(world, id)).planRound === 2, patience);
    await eventually(() => done(approveSeen(world, estate.reviewer, id)), patience);
    await done(act(estate.manager, id, 'close'));
    return { estate, ids: [id] };
  },

  async 'a revert'() {
    const estate = await running();
    const id = await startedTask(world, estate, v2);
    const subTask = accepted(await revert(estate, id, { version: '0.9.0', timeout: 600 }));
    expect(await endedTask(world, subTask, patience.timeout)).toMatchObject({ status: 'finished' });
    await done(act(estate.manager, id, 'close'));
    return { estate, ids: [id] };
  },

  async 'a rollout whose second batch fails, which is reverted'() {
    const estate = await running(2);
    const bad = estate.hostnames[1] ?? '';
    await setHooks(world, estate, { pre_exec: await makeScript(world, `[ "{{ host.name }}" != "${bad}" ]`) });
    const strategy = {
      mode: 'rolling',
      batch_size: 1,
      pause_seconds: 1,
      on_failure: 'revert',
      health_check: { zabbix: true },
    };
    const id = await startedTask(world, estate, { ...v2, strategy });
    await becomes(id, 'failed');
    return { estate, ids: [id] };
  },

  async 'a rollout whose voter is no reviewer between two batches, and is one again'() {
    const estate = await running(2);
    const strategy = { mode: 'rolling', batch_size: 1, pause_seconds: 5 };
    const id = await makeTask(world, estate, { ...v2, strategy });
    await done(act(estate.reviewer, id, 'approve'));
    await done(act(estate.manager, id, 'start'));
    await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, patience);
    const right = {
      userId: estate.reviewer.id,
      roleId: null,
      scope: 'application',
      objectId: estate.applicationId,
    } as const;
    await world.db.deleteFrom('grants').where('userId', '=', estate.reviewer.id).execute();
    await becomes(id, 'wait_review');
    await world.db
      .insertInto('grants')
      .values({ ...right, permission: 'review_app_deploy_task' })
      .execute();
    // The row is written before its workflow believes it, which is a moment later when the answer is lost.
    await eventually(() => done(approveSeen(world, estate.reviewer, id)), patience);
    await eventually(() => done(act(estate.manager, id, 'start')), patience);
    await becomes(id, 'finished');
    return { estate, ids: [id] };
  },

  async 'starts that a freeze holds, and one that is refused'() {
    const estate = await running();
    const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const over = { application: estate.applicationId, from: inHours(-1), until: inHours(5), reason: 'the sale' };
    const { body } = await admin.post<{ id: number }>('/application/deploy-freezes/', over);
    const id = await makeTask(world, estate, { ...v2, level: 'I' });
    await done(act(estate.manager, id, 'start'));
    const other = await makeTask(world, estate, { ...v2, level: 'I', auto_start: true });
    await eventually(async () => (await taskOf(world, other)).heldBy !== null, patience);
    await world.db
      .updateTable('deploySettings')
      .set({ enabled: false })
      .where('applicationId', '=', estate.applicationId)
      .execute();
    await admin.delete(`/application/deploy-freezes/${body.id}/`);
    for (const one of [id, other]) await eventually(async () => (await taskOf(world, one)).trouble !== null, patience);
    return { estate, ids: [id, other] };
  },
};

/** All that a story has left anywhere, with names that are the same for everybody. */
async function leftBy({ estate, ids }: Story): Promise<string[]> {
  const { db } = world;
  const tasks = await db
    .selectFrom('tasks')
    .select(['id', 'kind', 'number', 'status', 'version', 'error', 'outputSeq'])
    .where('deployTaskId', 'in', ids)
    .orderBy('id')
    .execute();
  const subTasks = tasks.map(({ id }) => id);
  const results = (await Promise.all(subTasks.map((id) => resultsOf(world, id)))).flat();
  const output = await db
    .selectFrom('taskOutput')
    .select(['host', 'step', 'stream', 'text', 'seq', 'taskId'])
    .where('taskId', 'in', [0, ...subTasks])
    .orderBy('taskId')
    .orderBy('host')
    .orderBy('seq')
    .execute();
  const deploys = await Promise.all(
    ids.map(async (id) => {
      const { status, seq, planRound, paused, trouble, heldBy, autoStart } = await taskOf(world, id);
      return { status, seq, planRound, paused, trouble, heldBy, autoStart, ...(await traces(world, id)) };
    }),
  );
  const left = {
    hosts: hostsOf(world, estate).map((host) => ({
      files: listing(host.root, [runnersOwn, 'run/web.pid']),
      jobs: host.names('.slipway/jobs'),
      processes: processesOf(host.root),
    })),
    tasks,
    results: results.map(({ started: _s, finished: _f, instanceId: _i, hostId: _h, machine, ...rest }) => ({
      ...rest,
      machine: machine && { ...machine, host: 'its host' },
    })),
    output: output.map(({ seq: _, ...line }) => line),
    deploys: deploys.map(({ votes, ...rest }) => ({ ...rest, votes: votes.map(({ round }) => round) })),
    instances: await db
      .selectFrom('instances')
      .select(['status', 'version', 'releases', 'busyKind', 'busyTaskId'])
      .where('id', 'in', estate.instanceIds)
      .orderBy('id')
      .execute(),
    maintenance: subTasks.map((id) => ({
      periods: monitored.maintenance.has(`task/${id}`),
      hosts: [...new Set(monitored.begun.filter(({ key }) => key === `task/${id}`).flatMap(({ hosts }) => hosts))],
    })),
  };
  const names: [string | number, string][] = [
    ...ids.map((id): [number, string] => [id, '<id>']),
    ...subTasks.map((id): [number, string] => [id, '<id>']),
    ...[[estate.name, '<estate>'] as const, [estate.manager.username, '<manager>'] as const].map(
      ([from, to]): [string, string] => [from, to],
    ),
    [estate.reviewer.username, '<reviewer>'],
  ];
  const text = names.reduce((all, [from, to]) => all.replaceAll(String(from), to), JSON.stringify(left, null, 1));
  return text
    .replaceAll(/freeze \d+ until [^" ]+/g, 'freeze')
    .replaceAll(/process \d+/g, 'process')
    .split('\n');
}

type Told = Record<string, string[]>;

/** All stories side by side. */
async function tell(): Promise<Told> {
  const told = await Promise.all(
    Object.entries(stories).map(async ([name, story]) => [name, await leftBy(await story())] as const),
  );
  return Object.fromEntries(told);
}

let once: Told;
let twice: Told;
beforeAll(async () => {
  world = await testWorld({
    logLevel: 'fatal',
    settings: { zabbixUrl: 'http://zabbix.example.com' },
    around: losingAnswers,
    providers: { monitoring: createMemoryMonitoring(monitored) },
  });
  admin = await world.user({ admin: true });
  once = await tell();
  losing = true;
  twice = await tell();
}, 600_000);
afterAll(() => world.close());

test.each(Object.keys(stories))('%s: with every answer lost once it ends as without', (name) => {
  expect(twice[name]).toEqual(once[name]);
});

test('the stories have every activity of a deploy, and every step', () => {
  const none = {} as ActivityDeps;
  const { runStep: _, ...activities } = {
    ...createDeployRecordActivities(none),
    ...createDeployActivities(none),
    ...createMaintenanceActivities(none),
  };
  // Those two are parts of `settleInstance`, whose jobs are compared.
  const steps = stepNames.filter((step) => step !== 'prune' && step !== 'tidy').map((step) => `runStep ${step}`);
  const all = [...Object.keys(activities), ...steps];
  expect(all.filter((name) => !covered.has(name))).toEqual([]);
  for (const step of ['prune', 'tidy']) expect(JSON.stringify(twice)).toContain(`-${step}-0`);
});
