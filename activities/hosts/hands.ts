import { cancelHosts, settleHost, settleHostTask, warnHosts } from '../../db/hosts/settle.ts';
import { hostnamesOf } from '../../db/hosts/work.ts';
import type { HostHands } from '../../workflows/hosts/ports.ts';
import { hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
import { Problem, toWire } from '../../workflows/problem.ts';
import type { ActivityDeps } from '../deps.ts';
import { ProviderError } from '../providers/error.ts';
import { actOn } from './act.ts';

/** Longer than the workflow's time between extensions, whatever happens to it. */
const marginMs = 10 * 60_000;

/** What host tasks do. */
export function createHostActivities(deps: ActivityDeps): HostHands {
  const { db, monitoring } = deps;
  return {
    actOnHost: (at) => actOn(deps, at),
    initHost: (at) => actOn(deps, at),

    abandonHost: ({ taskId, position, reason }) =>
      settleHost(
        db,
        { taskId, position },
        {
          ...{ status: 'unknown', warning: null, left: {} },
          problem: toWire(new Problem('host_task_lost', { reason })),
        },
      ),

    async beginHostMaintenance({ taskId }) {
      if (!monitoring) return;
      const hosts = await hostnamesOf(db, taskId);
      const until = new Date(Date.now() + marginMs);
      const key = hostTaskWorkflowId(taskId);
      try {
        await monitoring.beginMaintenance({ key, reason: `Slipway ${key}`, hosts, until });
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        await warnHosts(db, taskId, new Problem('no_maintenance', { reason: error.message }));
      }
    },

    async endHostMaintenance({ taskId }) {
      await monitoring?.endMaintenance(hostTaskWorkflowId(taskId));
    },

    cancelHosts: ({ taskId, actor }) => cancelHosts(db, taskId, actor),

    async settleHostTask({ taskId, error }) {
      await settleHostTask(db, taskId, error);
    },

    async forgetMonitored({ hostId }) {
      const host = await db.selectFrom('hosts').select('name').where('id', '=', hostId).executeTakeFirst();
      if (host) await monitoring?.disableHost(host.name);
    },
  };
}
