// Maintenance periods of a task's hosts. Monitoring errors never fail the task: they are retried briefly, then reported in
// its output. A period that could not be ended expires.
import { Context } from '@temporalio/activity';
import { warnHosts } from '../../db/hosts/finish.ts';
import { hostsOfTask } from '../../db/tasks/hosts.ts';
import type { MaintenanceActivities } from '../../workflows/maintenance/ports.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ActivityDeps } from '../deps.ts';
import { addSystemLines } from '../tasks/follow-job.ts';
import { ProviderError } from '../providers/error.ts';

/** Twice the workflow's interval between extensions. */
const lastsMs = 10 * 60_000;
const attempts = 3;
const mostNamed = 20;

const keyOf = (taskId: number): string => `task/${taskId}`;

/** The maintenance activities, shared by all tasks that work on hosts. */
export function createMaintenanceActivities({ db, monitoring, outputLimitBytes }: ActivityDeps): MaintenanceActivities {
  const say = (taskId: number, phase: string, text: string): Promise<void> => {
    const origin = { instanceId: null, host: '', step: 'maintenance' };
    return addSystemLines({ db, limitBytes: outputLimitBytes, taskId, origin }, `maintenance ${phase}`, [text]);
  };
  return {
    async holdMaintenance({ taskId, phase }) {
      if (!monitoring) return;
      const { area, what, hosts } = await hostsOfTask(db, taskId);
      const period = { key: keyOf(taskId), reason: what, hosts, until: new Date(Date.now() + lastsMs) };
      const unknown = await answerOf(() => monitoring.beginMaintenance(period));
      if (typeof unknown === 'string') {
        await say(taskId, phase, `warning: hosts are not in maintenance: ${unknown}`);
        if (area === 'host') await warnHosts(db, taskId, new Problem('no_maintenance', { reason: unknown }));
      } else if (unknown.length > 0 && phase === 'begin') {
        const more = unknown.length > mostNamed ? `, and ${unknown.length - mostNamed} more` : '';
        const named = unknown.slice(0, mostNamed).join(', ');
        await say(taskId, phase, `not in ${monitoring.name}, so without a maintenance period: ${named}${more}`);
      }
    },

    async releaseMaintenance({ taskId }) {
      if (!monitoring) return;
      const failure = await answerOf(() => monitoring.endMaintenance(keyOf(taskId)));
      if (failure === undefined) return;
      await say(taskId, 'end', `warning: maintenance ends by itself within ${lastsMs / 60_000} minutes: ${failure}`);
    },
  };
}

/** The response, or a message why there is none. Throws while a retry is worthwhile. */
async function answerOf<T>(call: () => Promise<T>): Promise<T | string> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'unavailable' && Context.current().info.attempt < attempts) throw error;
    return error.message;
  }
}
