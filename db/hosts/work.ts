import type { Kysely } from 'kysely';
import type { HostAt, HostOutcome, HostTaskKind } from '../../workflows/hosts/contract.ts';
import type { Database } from '../database.ts';
import type { HostRow } from '../inventory/tables.ts';
import type { TaskPackageRow } from './tables.ts';
import { isAdmitted } from './ways.ts';

/** One host of a task, with the data for its work. */
export interface HostWorkRow extends HostAt {
  kind: HostTaskKind;
  opts: Record<string, unknown>;
  started: Date;
  /** The user who cancelled the task, if any: hosts without a call do not begin. */
  cancelledBy: string | null;
  /** Whether a call was already made, as far as this attempt knows. */
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

/** The columns of a host that its work reads. */
type WorkedHost = Pick<HostRow, (typeof hostColumns)[number]> & { isAdmitted: boolean };

const begin = (db: Kysely<Database>, { taskId, position }: HostAt) =>
  db
    .with('begun', (with_) =>
      with_
        .updateTable('taskResults')
        .from('tasks')
        .whereRef('tasks.id', '=', 'taskResults.taskId')
        .set((eb) => ({ status: 'running', started: eb.fn.coalesce('started', eb.val(new Date())) }))
        .where('taskResults.taskId', '=', taskId)
        .where('taskResults.position', '=', position)
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
          eb.selectFrom('hostCalls').select('taskId').where('taskId', '=', taskId).where('position', '=', position),
        )
        .as('hasCall'),
    )
    .executeTakeFirst();

/**
 * Marks a host of a task as begun, unless it is, and returns the data for its work; for a host that has ended (or was
 * cancelled before it began) its outcome.
 */
export async function beginHostWork(
  db: Kysely<Database>,
  { taskId, position }: HostAt,
): Promise<{ work: HostWorkRow } | { ended: HostOutcome }> {
  const row = await begin(db, { taskId, position });
  if (!row) return { ended: await outcomeOf(db, { taskId, position }) };
  const { kind, opts, started, cancelledBy, hasCall, ...host } = row;
  const begun = { opts, started: started ?? new Date(), cancelledBy, hasCall: Boolean(hasCall), host };
  return { work: { taskId, position, kind: kind as HostTaskKind, ...begun } };
}

/** The outcome of a host of a task. */
export async function outcomeOf(db: Kysely<Database>, { taskId, position }: HostAt): Promise<HostOutcome> {
  return db
    .selectFrom('taskResults')
    .select(['status', 'errorCode', 'message'])
    .where('taskId', '=', taskId)
    .where('position', '=', position)
    .executeTakeFirstOrThrow();
}

/** Records a host's waiting reason. */
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

/** Records a task's findings about a host before its end. */
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

/** Instances of a host that no task holds, with the identification of their processes. */
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
