import type { Kysely } from 'kysely';
import type { HostAt, HostOutcome, HostTaskKind } from '../../workflows/hosts/contract.ts';
import type { Database } from '../database.ts';
import type { HostRow } from '../inventory/tables.ts';
import { prepared } from '../core/prepared-statements.ts';
import type { Parameter } from '../core/prepared-statements.ts';
import type { TaskPackageRow } from './tables.ts';
import { isAdmitted } from './ways.ts';

/** One host of a task, as its work needs it. */
export interface HostWorkRow extends HostAt {
  kind: HostTaskKind;
  opts: Record<string, unknown>;
  started: Date;
  /** Who cancelled the task, if anybody: what has asked for nothing yet does not begin. */
  cancelledBy: string | null;
  /** Whether something was asked for already, as far as this attempt has seen. */
  hasCall: boolean;
  host: WorkedHost;
}

const hostColumns = [
  'id',
  'name',
  'hostType',
  'status',
  'osStatus',
  'ipAddress',
  'providerId',
  'place',
  'ipmi',
  'runner',
  'minionId',
  'zabbixGroups',
  'zabbixTemplates',
] as const;

/** What work needs of a host. */
export type WorkedHost = Pick<HostRow, (typeof hostColumns)[number]> & { isAdmitted: boolean };

const begin = prepared((db, place: Parameter<HostAt & { now: Date }>) =>
  db
    .with('begun', (with_) =>
      with_
        .updateTable('taskResults')
        .from('tasks')
        .whereRef('tasks.id', '=', 'taskResults.taskId')
        .set((eb) => ({ status: 'running', started: eb.fn.coalesce('started', place('now')) }))
        .where('taskResults.taskId', '=', place('taskId'))
        .where('taskResults.position', '=', place('position'))
        .where('taskResults.status', 'in', ['waiting', 'running'])
        .returning(['hostId', 'taskResults.started', 'tasks.kind', 'tasks.opts', 'tasks.cancelledBy']),
    )
    .selectFrom('begun')
    .innerJoin('hosts', 'hosts.id', 'begun.hostId')
    .select(hostColumns.map((column) => `hosts.${column}` as const))
    .select(isAdmitted.as('isAdmitted'))
    .select(['begun.started', 'begun.kind', 'begun.opts', 'begun.cancelledBy'])
    .select((eb) =>
      eb
        .exists(
          eb
            .selectFrom('hostCalls')
            .select('taskId')
            .where('taskId', '=', place('taskId'))
            .where('position', '=', place('position')),
        )
        .as('hasCall'),
    ),
);

/**
 * Marks a host of a task as begun, unless it is, and answers what its work needs; of one that has ended (also: that was
 * cancelled before it began) the outcome.
 */
export async function beginHostWork(
  db: Kysely<Database>,
  { taskId, position }: HostAt,
): Promise<{ work: HostWorkRow } | { ended: HostOutcome }> {
  const [row] = await begin(db, { taskId, position, now: new Date() });
  if (!row) return { ended: await outcomeOf(db, { taskId, position }) };
  const { kind, opts, started, cancelledBy, hasCall, ...host } = row;
  const begun = { opts, started: started ?? new Date(), cancelledBy, hasCall: Boolean(hasCall), host };
  return { work: { taskId, position, kind: kind as HostTaskKind, ...begun } };
}

/** What has become of a host of a task. */
export async function outcomeOf(db: Kysely<Database>, { taskId, position }: HostAt): Promise<HostOutcome> {
  return db
    .selectFrom('taskResults')
    .select(['status', 'errorCode', 'message'])
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .executeTakeFirstOrThrow();
}

/** Says what a host is waiting for. */
export async function noteProgress(
  db: Kysely<Database>,
  { taskId, position }: HostAt,
  { step, message }: { step: string; message: string | null },
): Promise<void> {
  await db
    .updateTable('taskResults')
    .set({ step, message })
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .where('status', '=', 'running')
    .execute();
}

/** What a task found of a host before its end. */
export async function showHost(
  db: Kysely<Database>,
  hostId: number,
  seen: Partial<Record<'zabbixGroups' | 'zabbixTemplates', string>>,
): Promise<void> {
  await db.updateTable('hosts').set(seen).where('id', '=', hostId).execute();
}

/** Packages of a task in their order, as they were when it began. */
export const packagesOf = (db: Kysely<Database>, taskId: number): Promise<TaskPackageRow[]> =>
  db.selectFrom('taskPackages').selectAll().where('taskId', '=', taskId).orderBy('seq').execute();

/** Instances of a host that no task holds, with where their processes are known by. */
export const instancesToProbe = (db: Kysely<Database>, hostId: number) =>
  db
    .selectFrom('instances')
    .innerJoin('applications', 'applications.id', 'instances.applicationId')
    .leftJoin('deploySettings', 'deploySettings.applicationId', 'instances.applicationId')
    .select(['instances.id', 'applications.pidPath', 'applications.runUser', 'deploySettings.startSeconds'])
    .where('instances.hostId', '=', hostId)
    .where('applications.pidPath', '!=', '')
    .orderBy('instances.id')
    .execute();
