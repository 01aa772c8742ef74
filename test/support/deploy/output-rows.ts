// Output of sub-tasks as rows, for tests of its readers: no worker runs them.
import { settleSubTask } from '../../../db/deploy/finish.ts';
import { appendOutput } from '../../../db/tasks/output.ts';
import type { TestEstate } from '../world.ts';
import type { Server } from './server.ts';

export interface Running {
  id: number;
  subTask: number;
  url: string;
}

const plenty = 10 ** 9;

/** The numbers after `from` up to `to`. */
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index + 1);

export function outputRows(of: () => { server: Server; estate: TestEstate }) {
  /** A running sub-task. */
  async function running(): Promise<Running> {
    const { server, estate } = of();
    const { db } = server;
    const { applicationId, manager } = estate;
    const { id } = await db
      .insertInto('deployTasks')
      .values({
        applicationId,
        creatorId: manager.id,
        ownerId: manager.id,
        version: '1',
        level: 'I',
        packageSource: '/p',
        plannedExecTime: new Date(),
        requiredApprovals: 0,
        status: 'finished',
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const sub = await db
      .insertInto('tasks')
      .values({
        area: 'deploy',
        kind: 'upgrade',
        deployTaskId: id,
        number: 1,
        applicationId,
        creator: manager.username,
        version: '1',
        timeoutSeconds: 60,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id, subTask: sub.id, url: `ws://${server.address}/ws/tasks/${sub.id}/output` };
  }

  /** Lines with the numbers after `from` up to `to`. */
  async function write(subTask: number, from: number, to: number, limitBytes = plenty): Promise<void> {
    const lines = Array.from({ length: to - from }, (_, index) => ({
      instanceId: null,
      host: 'h',
      step: 'start',
      stream: 'stdout' as const,
      text: `line ${from + index + 1}`,
    }));
    await appendOutput(of().server.db, { taskId: subTask, source: 's', from, to, lines, limitBytes });
  }

  const end = (subTask: number): Promise<boolean> => settleSubTask(of().server.db, subTask, null);
  return { running, write, end };
}
