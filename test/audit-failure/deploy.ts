import { opensshKey } from '../support/api/ssh-keys.ts';
import { act } from '../support/deploy/acts.ts';
import { eventually, unique } from '../support/harness.ts';
import {
  makeEstate,
  makeTask,
  packagePath,
  placePackage,
  startedTask,
  taskOf,
  type TestEstate,
} from '../support/world.ts';
import { on, type Prepared, type Stage, type Trial, type Trials } from './stage.ts';

interface Asked {
  estate: TestEstate;
  id: number;
}

/** A trial on a deploy task of an estate of its own, whose workflow waits for a decision. */
const asked =
  (level: 'A' | 'I', request: (asked: Asked, stage: Stage) => Promise<Prepared> | Prepared): Trial =>
  async (stage) => {
    const estate = await makeEstate(stage.world, 1);
    const id = await makeTask(stage.world, estate, { level });
    return { params: { id }, ...(await request({ estate, id }, stage)) };
  };

const subTask =
  (request: (estate: TestEstate, stage: Stage) => Promise<object> | object): Trial =>
  async (stage) => {
    const { world } = stage;
    const estate = await makeEstate(world, 1);
    const id = await startedTask(world, estate);
    const instances = estate.instanceIds.map((one) => ({ id: one }));
    return { as: estate.manager, params: { id }, body: { instances, ...(await request(estate, stage)) } };
  };

/** A rollout between two batches, where no step is pending. */
const rolling =
  (isPaused: boolean): Trial =>
  async ({ world }) => {
    const estate = await makeEstate(world, 2);
    const id = await startedTask(world, estate, { strategy: { mode: 'rolling', pause_seconds: 86_400 } });
    await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, { timeout: 60_000 });
    if (isPaused) expect((await act(estate.manager, id, 'pause')).status).toBe(200);
    return { as: estate.manager, params: { id } };
  };

const failedSubTask: Trial = async ({ world }) => {
  const estate = await makeEstate(world, 1);
  const deployTaskId = await startedTask(world, estate);
  const { hostId } = await world.db
    .selectFrom('instances')
    .select('hostId')
    .where('applicationId', '=', estate.applicationId)
    .executeTakeFirstOrThrow();
  const ended = { status: 'failed', error: 'it failed', finishedTime: new Date(), timeoutSeconds: 60 } as const;
  const of = { area: 'deploy', kind: 'upgrade', applicationId: estate.applicationId, creator: 'test' } as const;
  const task = { ...of, ...ended, deployTaskId, number: 99, version: '1.0.0', updateSource: packagePath('1.0.0') };
  const { id } = await world.db.insertInto('tasks').values(task).returning('id').executeTakeFirstOrThrow();
  const result = { taskId: id, position: 0, hostId, hostname: 'h', status: 'failed' } as const;
  const [instanceId = 0] = estate.instanceIds;
  await world.db
    .insertInto('taskResults')
    .values({ ...result, instanceId })
    .execute();
  return { as: estate.manager, params: { id: deployTaskId, task_id: id } };
};

const asCreator = ({ estate }: Asked): Prepared => ({ as: estate.manager });
const asReviewer = ({ estate }: Asked): Prepared => ({ as: estate.reviewer });

/** Sent by the owner: credentials are 404 for all others. */
const credential =
  (type: 'PASSWORD' | 'SSH_PRIVATE_KEY', body?: object): Trial =>
  async ({ world, admin }) => {
    const facts = { secret: JSON.stringify({}), fingerprint: 'f', publicKey: 'p' };
    const { id } = await world.db
      .insertInto('repositoryCredentials')
      .values({ userId: admin.id, name: 'c', type, username: 'u', ...facts })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { params: { id }, body };
  };

/** Deploy tasks, scripts, settings, repository credentials. */
export const deploy: Trials = {
  createDeployTask: async ({ world }) => {
    const estate = await makeEstate(world, 1);
    const source = { application_id: estate.applicationId, package_source: packagePath('1') };
    return { as: estate.manager, body: { ...source, version: '1', level: 'A', planned_exec_time: 1 } };
  },
  changeDeployTask: asked('A', (task) => ({ ...asCreator(task), body: { description: 'changed' } })),
  approveDeployTask: asked('A', asReviewer),
  rejectDeployTask: asked('A', asReviewer),
  startDeployTask: asked('I', asCreator),
  pauseDeployTask: rolling(false),
  resumeDeployTask: rolling(true),
  retryFailedInstances: failedSubTask,
  closeDeployTask: asked('A', asCreator),
  delegateDeployTask: asked('A', async (task, { world }) => {
    const { id } = await world.user({ application: { [task.estate.applicationId]: ['view_app'] } });
    return { ...asReviewer(task), body: { user_id: id } };
  }),
  upgradeInstances: subTask(async (estate, { world }) => ({
    version: '1.0.0',
    update_source: await placePackage(world, estate, '1.0.0'),
  })),
  revertInstances: subTask(async ({ instanceIds }, { world: { db } }) => {
    const releases = JSON.stringify(['1.0.0', '0.9.0']);
    await db.updateTable('instances').set({ version: '1.0.0', releases }).where('id', 'in', instanceIds).execute();
    return { version: '0.9.0' };
  }),
  createDeployFreeze: async ({ team }) => {
    const { application } = await team();
    const from = new Date(Date.now() + 86_400_000).toISOString();
    const until = new Date(Date.now() + 2 * 86_400_000).toISOString();
    return { body: { application, from, until, reason: 'sale' } };
  },
  changeDeployFreeze: on('freeze', { reason: 'changed' }),
  deleteDeployFreeze: on('freeze'),
  createDeployScript: () => ({ body: { name: unique(), language: 'bash', content: 'true' } }),
  changeDeployScript: on('script', { content: 'false' }),
  deleteDeployScript: on('script'),
  changeDeploySettings: on('application', { timeout: 77 }),
  createPasswordCredential: () => ({ body: { username: 'u', password: 'p' } }),
  changePasswordCredential: credential('PASSWORD', { name: 'changed' }),
  deletePasswordCredential: credential('PASSWORD'),
  createSshKeyCredential: () => ({ body: { private_key: opensshKey() } }),
  changeSshKeyCredential: credential('SSH_PRIVATE_KEY', { name: 'changed' }),
  deleteSshKeyCredential: credential('SSH_PRIVATE_KEY'),
};
