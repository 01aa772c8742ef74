import { abandonHost, cancelHosts, settleHostTask } from '../../db/hosts/finish.ts';
import type { HostActivities } from '../../workflows/hosts/ports.ts';
import type { ActivityDeps } from '../deps.ts';
import { actOn } from './advance-host.ts';

/** The activities of host tasks. */
export function createHostActivities(deps: ActivityDeps): HostActivities {
  const { db, monitoring } = deps;
  return {
    actOnHost: (at) => actOn(deps, at),
    initHost: (at) => actOn(deps, at),

    abandonHost: ({ taskId, position, reason }) => abandonHost(db, { taskId, position }, reason),

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
