import { eventually, unique } from '../support/harness.ts';
import { makeHost } from '../support/api/app.ts';
import { on, type Stage, type Trial, type Trials } from './stage.ts';

type Status = 'raw' | 'inited';

/** A local host that no application is on. */
export const freeHost = async ({ world }: Stage, status: Status): Promise<number> => {
  const id = await makeHost(world.db);
  await world.db.updateTable('hosts').set({ status }).where('id', '=', id).execute();
  return id;
};

const one =
  (status: Status, body?: unknown): Trial =>
  async (stage) => ({ params: { id: await freeHost(stage, status) }, body });

const batch: Trial = async (stage) => ({ body: [{ host_id: await freeHost(stage, 'inited') }] });

/** A task whose host has an unanswered request; cancelling it ends no work. */
const waiting: Trial = async (stage) => {
  const { db } = stage.world;
  const id = await freeHost(stage, 'inited');
  const { body } = await stage.admin.post<{ task_id: string }>(`/hosts/${id}/actions/stop/`);
  const taskId = Number(body.task_id);
  const call = {
    taskId,
    position: 0,
    way: 'local',
    answeredTime: null,
    job: null,
    note: null,
    downSince: null,
  } as const;
  await db.insertInto('hostCalls').values(call).execute();
  await eventually(
    async () => {
      const row = await db.selectFrom('taskResults').select('message').where('taskId', '=', taskId).executeTakeFirst();
      return row?.message != null;
    },
    { timeout: 20_000 },
  );
  return { params: { task_id: taskId } };
};

/** Host tasks and what is shipped to hosts. */
export const hosts: Trials = {
  startHost: one('inited'),
  stopHost: one('inited'),
  restartHost: one('inited'),
  createStartTask: batch,
  createStopTask: batch,
  createRestartTask: batch,
  changeHostStatus: one('inited', { status: 'offline' }),
  changeHostZabbixOpts: one('inited', { zabbix_groups: ['all'] }),
  admitHost: async ({ world }) => {
    const id = await makeHost(world.db);
    await world.db.updateTable('hosts').set({ runner: 'ssh' }).where('id', '=', id).execute();
    return { params: { id } };
  },
  cancelHostTask: waiting,
  createShippedPackage: () => ({ body: { name: `p-${unique()}`, type: 'zip', source: '/p.zip' } }),
  changeShippedPackage: on('shippedPackage', { description: 'changed' }),
  deleteShippedPackage: on('shippedPackage'),
};
