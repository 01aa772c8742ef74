// Changes Zabbix groups and templates of a host: a host task, but the request waits for its end.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fromWire, Problem } from '../../workflows/problems/problem.ts';
import { transact } from '../operations/change.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { eachOnce } from '../operations/list-bodies.ts';
import { host } from '../operations/permissions.ts';
import { atLeastOne, distinct, done, success } from '../operations/schemas.ts';
import { beginTask } from './begin.ts';
import { hasMonitoring } from './drivers.ts';
import { issue } from '../operations/issue.ts';
import { msg } from '../../kit/messages/message.ts';

const patienceMs = 30_000;
const longestPauseMs = 500;

const names = z
  .array(z.string().min(1).max(128))
  .max(100)
  .superRefine(eachOnce<string>((one) => one, ''))
  .meta(distinct);

/** Waits for the end of a task with one host; throws its problem if it failed. */
async function ended({ db }: Ctx, taskId: number): Promise<void> {
  const end = Date.now() + patienceMs;
  for (let pause = 20; ; pause = Math.min(pause * 2, longestPauseMs)) {
    const { status, problem } = await db
      .selectFrom('tasks')
      .innerJoin('taskResults', 'taskResults.taskId', 'tasks.id')
      .select(['tasks.status', 'taskResults.problem'])
      .where('tasks.id', '=', taskId)
      .executeTakeFirstOrThrow();
    if (status === 'finished') return;
    if (status === 'failed') throw fromWire(problem) ?? new Error('a task failed without a problem');
    if (Date.now() >= end) {
      const reason = `not confirmed within ${patienceMs / 1000} s; task ${taskId} goes on`;
      throw new Problem('zabbix_failed', { reason });
    }
    await sleep(pause);
  }
}

export const changeZabbixOpts = command({
  method: 'post',
  path: '/hosts/{id}/actions/change-zabbix-opts/',
  id: 'changeHostZabbixOpts',
  area: 'hosts',
  summary: 'Change Zabbix groups and templates of a host',
  permission: host('edit_host'),
  body: atLeastOne(
    z.object({ zabbix_groups: names.min(1, issue('at_least_one_is_needed')), zabbix_templates: names }).partial(),
  ),
  returns: success,
  problems: ['host_busy', 'host_is', 'zabbix_failed', 'zabbix_no_template', 'zabbix_no_group'],
  async handle({ params: { id }, body }, ctx) {
    const taskId = await transact(ctx, (within) =>
      beginTask(within, {
        kind: 'change_zabbix_opts',
        ids: [id],
        opts: body,
        refuse: () =>
          hasMonitoring(ctx)
            ? undefined
            : new Problem('zabbix_failed', { reason: msg('variable_not_set', { variable: 'SLIPWAY_ZABBIX_URL' }) }),
      }),
    );
    await ended(ctx, taskId);
    return done;
  },
});
