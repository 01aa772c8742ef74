import type { Kysely } from 'kysely';
import type { StepName } from '../../workflows/deploy/contract.ts';
import type { Database } from '../database.ts';
import { isAdmitted } from '../hosts/ways.ts';
import type { HostRow } from '../inventory/tables.ts';
import type { KeptMachine } from './machines.ts';
import type { SubTaskSetup } from './sub-tasks.ts';

export interface StepRow {
  taskId: number;
  position: number;
  version: string;
  previousVersion: string | null;
  /** Whether it ran before, as recorded or since seen on the host. */
  ranBefore: boolean;
  instanceId: number | null;
  applicationId: number | null;
  releases: string[];
  host: Pick<HostRow, 'id' | 'name' | 'runner' | 'minionId' | 'ipAddress'> & { isAdmitted: boolean };
  /** The one that the plan names; null: none does. */
  machine: KeptMachine | null;
  setup: SubTaskSetup;
}

/** Loads everything that a step on one host needs. */
export async function loadStep(db: Kysely<Database>, taskId: number, position: number): Promise<StepRow> {
  const row = await db
    .selectFrom('taskResults')
    .innerJoin('tasks', 'tasks.id', 'taskResults.taskId')
    .innerJoin('hosts', 'hosts.id', 'taskResults.hostId')
    .leftJoin('instances', 'instances.id', 'taskResults.instanceId')
    .select([
      'tasks.version',
      'tasks.opts',
      'taskResults.setup',
      'taskResults.machine',
      'tasks.applicationId',
      'taskResults.previousVersion',
      'taskResults.previousStatus',
      'taskResults.instanceId',
      'instances.releases',
    ])
    .select(['hosts.id', 'hosts.name', 'hosts.runner', 'hosts.minionId', 'hosts.ipAddress'])
    .select(isAdmitted.as('isAdmitted'))
    .where('taskResults.taskId', '=', taskId)
    .where('taskResults.position', '=', position)
    .executeTakeFirstOrThrow();
  const { id, name, runner, minionId, ipAddress, isAdmitted: admitted } = row;
  return {
    taskId,
    position,
    version: row.version ?? '',
    previousVersion: row.previousVersion,
    ranBefore: row.previousStatus !== 'stopped' && row.previousStatus !== 'unknown',
    instanceId: row.instanceId,
    applicationId: row.applicationId,
    releases: row.releases ?? [],
    host: { id, name, runner, minionId, ipAddress, isAdmitted: admitted },
    machine: row.machine as KeptMachine | null,
    setup: (row.setup ?? row.opts) as unknown as SubTaskSetup,
  };
}

export const loadScript = (db: Kysely<Database>, taskId: number, position: number, step: string) =>
  db
    .selectFrom('taskScripts')
    .leftJoin('taskScripts as shared', (join) =>
      join
        .onRef('shared.taskId', '=', 'taskScripts.taskId')
        .onRef('shared.position', '=', 'taskScripts.sameAs')
        .onRef('shared.step', '=', 'taskScripts.step'),
    )
    .select(['taskScripts.language', 'taskScripts.runningUser'])
    .select(({ fn }) => fn.coalesce('taskScripts.content', 'shared.content').$notNull().as('content'))
    .where('taskScripts.taskId', '=', taskId)
    .where('taskScripts.position', '=', position)
    .where('taskScripts.step', '=', step)
    .executeTakeFirst();

/** Records an instance's current step; `message` gives the reason if it does not proceed. */
export async function markStep(
  db: Kysely<Database>,
  at: { taskId: number; position: number; step: StepName; message: string | null },
): Promise<void> {
  await db
    .updateTable('taskResults')
    .set((eb) => ({
      step: at.step,
      status: 'running',
      message: at.message,
      started: eb.fn.coalesce('started', eb.val(new Date())),
    }))
    .where('taskId', '=', at.taskId)
    .where('position', '=', at.position)
    .where('status', 'in', ['waiting', 'running'])
    .execute();
}

/** Corrects an instance's recorded initial state to the one its host reports. */
export async function markSeen(
  db: Kysely<Database>,
  { taskId, position }: { taskId: number; position: number },
  previousStatus: 'running' | 'stopped',
): Promise<void> {
  await db
    .updateTable('taskResults')
    .set({ previousStatus })
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .execute();
}
