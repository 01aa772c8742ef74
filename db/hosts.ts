import type { Kysely } from 'kysely';
import type { HostOutcome } from '../workflows/hosts/contract.ts';
import type { Database } from './database.ts';
import { record } from './audit/record.ts';
import { notifyOutput } from './tasks/output.ts';

const system = { id: 0, username: 'system', channel: 'workflow' } as const;

/** Writes what became of a host of an init task and sets it free; a second time it changes nothing. */
export async function settleInit(
  db: Kysely<Database>,
  { taskId, position, outcome }: { taskId: number; position: number; outcome: HostOutcome },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { status, errorCode, message } = outcome;
    const result = await tx
      .updateTable('taskResults')
      .set({ status, errorCode, message, finished: new Date() })
      .where('taskId', '=', taskId)
      .where('position', '=', position)
      .where('status', 'in', ['waiting', 'running'])
      .returning(['hostId', 'hostname'])
      .executeTakeFirst();
    if (!result) return;
    const free = { busyKind: null, busyTaskId: null, updatedTime: new Date() };
    const host = tx.updateTable('hosts').where('id', '=', result.hostId);
    if (status === 'finished') {
      await host.set({ status: 'inited' }).where('status', '=', 'raw').execute();
      await host.set({ osStatus: 'running' }).execute();
    }
    await host.set(free).where('busyTaskId', '=', taskId).execute();
    await record(tx, system, [
      {
        view: 'host',
        area: 'hosts',
        opType: 'update',
        targetType: 'host',
        targetId: result.hostId,
        targetName: result.hostname,
        detail: {
          en: `initialisation by task ${taskId}: ${status}`,
          zh: `任务 ${taskId} 初始化: ${status === 'finished' ? '成功' : '失败'}`,
        },
      },
    ]);
  });
}

/** Ends a host task: `finished` if every host is. */
export async function settleHostTask(db: Kysely<Database>, taskId: number, error: string | null): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const left = await tx
      .selectFrom('taskResults')
      .select('position')
      .where('taskId', '=', taskId)
      .where('status', '!=', 'finished')
      .execute();
    const status = left.length === 0 && error === null ? ('finished' as const) : ('failed' as const);
    await tx
      .updateTable('tasks')
      .set({ status, error, finishedTime: new Date() })
      .where('id', '=', taskId)
      .where('status', '=', 'running')
      .execute();
    await notifyOutput(tx, taskId);
  });
}
