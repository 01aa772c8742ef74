import { refused, unavailable } from '../../activities/providers/error.ts';
import { createMemoryMonitoring, createMonitoringWorld } from '../../activities/providers/monitoring/memory.ts';
import { monitoringSuite } from './monitoring.suite.ts';

monitoringSuite('memory', async () => {
  const world = createMonitoringWorld({ groups: ['web', 'all'], templates: ['Linux', 'Nginx'] });
  return {
    monitoring: createMemoryMonitoring(world),
    another: () => createMemoryMonitoring(world),
    groups: ['web', 'all'],
    templates: ['Linux', 'Nginx'],
    look: (name) => {
      const entry = world.hosts.get(name);
      if (!entry) return null;
      const inMaintenance = [...world.maintenance.values()].some(({ hosts }) => hosts.includes(name));
      return { enabled: entry.enabled, groups: entry.groups, templates: entry.templates, inMaintenance };
    },
    periods: (key) => (world.maintenance.has(key) ? 1 : 0),
    raiseProblem: (name, text) => void world.hosts.get(name)?.problems.push(text),
    meet: (trouble) => {
      const when = trouble === 'drop_after' ? 'failureAfter' : 'failure';
      world[when] = () => {
        world[when] = null;
        return trouble === 'refuse' ? refused('memory', 'no') : unavailable('memory', 'no connection');
      };
    },
    secrets: [],
    close: async () => undefined,
  };
});
