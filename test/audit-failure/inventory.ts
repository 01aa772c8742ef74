import { commandsHash, noCommands } from '../../db/applications/commands.ts';
import { json } from '../../db/core/jsonb.ts';
import { makeApplication } from '../support/api/app.ts';
import { unique } from '../support/harness.ts';
import { makeEstate } from '../support/world.ts';
import { freeHost } from './hosts.ts';
import { on, type Trial, type Trials } from './stage.ts';

const entries = (ids: readonly number[]): { id: number }[] => ids.map((id) => ({ id }));

/** One or all instances of an application that can be started and stopped. */
const act =
  (status: 'running' | 'stopped', one: boolean): Trial =>
  async ({ world }) => {
    const { applicationId: id, instanceIds } = await makeEstate(world, 1);
    await world.db.updateTable('instances').set({ status }).where('id', 'in', instanceIds).execute();
    const [instance_id = 0] = instanceIds;
    return one ? { params: { id, instance_id } } : { params: { id }, body: { instances: entries(instanceIds) } };
  };

const link =
  (column: 'children' | 'required', linked: boolean): Trial =>
  async ({ team, world: { db } }) => {
    const { application, child } = await team();
    if (linked && column === 'children')
      await db.updateTable('applications').set({ parentId: application }).where('id', '=', child).execute();
    if (linked && column === 'required')
      await db.insertInto('requiredApps').values({ applicationId: application, requiredId: child }).execute();
    return { params: { id: application }, body: entries([child]) };
  };

const person =
  (there: boolean): Trial =>
  async ({ team, world: { db } }) => {
    const { application, user } = await team();
    if (there)
      await db
        .insertInto('responsePersons')
        .values({ applicationId: application, userId: user, type: 'dev' })
        .execute();
    return { params: { id: application }, body: [{ id: user, type: 'dev' }] };
  };

const hostFields = () => ({ name: `h-${unique()}`, host_type: 'PHY_HOST', runner: 'local' });

/** Applications, productions, hosts, navigators. */
export const inventory: Trials = {
  createApplication: () => ({ body: { name: `a-${unique()}` } }),
  changeApplication: on('application', { description: 'changed' }),
  getApplicationsByUsers: { reason: 'changes nothing' },
  deleteApplication: async ({ world }) => ({ params: { id: await makeApplication(world.db) } }),
  confirmApplicationCommands: async ({ world }) => {
    const id = await makeApplication(world.db);
    await world.db
      .updateTable('applications')
      .set({ startupCmd: 'true', confirmedCommands: json(noCommands), commandsBy: ['somebody'] })
      .where('id', '=', id)
      .execute();
    const row = world.db.selectFrom('applications').selectAll().where('id', '=', id);
    return { params: { id }, body: { hash: commandsHash(await row.executeTakeFirstOrThrow()) } };
  },
  addInstances: async (stage) => {
    const { application: id } = await stage.team();
    return { params: { id }, body: [{ hostid: await freeHost(stage, 'inited') }] };
  },
  removeInstances: async ({ team }) => {
    const { application: id, instance } = await team();
    return { params: { id }, body: entries([instance]) };
  },
  startInstance: act('stopped', true),
  stopInstance: act('running', true),
  restartInstance: act('running', true),
  startInstances: act('stopped', false),
  stopInstances: act('running', false),
  restartInstances: act('running', false),
  addChildApps: link('children', false),
  removeChildApps: link('children', true),
  addRequiredApps: link('required', false),
  removeRequiredApps: link('required', true),
  addResponsePersons: person(false),
  removeResponsePersons: person(true),
  createProduction: () => ({ body: { name: `p-${unique()}` } }),
  changeProduction: on('production', { description: 'changed' }),
  deleteProduction: async ({ world }) => {
    const row = { name: `p-${unique()}`, creator: 'test' };
    const { id } = await world.db.insertInto('productions').values(row).returning('id').executeTakeFirstOrThrow();
    return { params: { id } };
  },
  addProductionApplications: async ({ team }) => {
    const { production: id, child } = await team();
    return { params: { id }, body: entries([child]) };
  },
  removeProductionApplications: async ({ team }) => {
    const { production: id, application } = await team();
    return { params: { id }, body: entries([application]) };
  },
  createHost: () => ({ body: hostFields() }),
  changeHost: on('host', { description: 'changed' }),
  deleteHost: async (stage) => ({ params: { id: await freeHost(stage, 'raw') } }),
  createInitTask: async (stage) => ({ body: { hosts: entries([await freeHost(stage, 'raw')]), opts: {} } }),
  createNavigator: () => ({ body: { name: unique(), img: '/imgs/a.png', url: 'https://example.com/' } }),
  changeNavigator: on('navigator', { url: 'https://example.com/changed' }),
  deleteNavigator: on('navigator'),
};
