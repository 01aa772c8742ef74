// A host is unreachable after a failed action: the result says that the state of the process is unknown.
import { HostUnreachableError } from '../../activities/providers/error.ts';
import { memoryEstate, memoryHosts, onMemory } from '../support/deploy/memory-hosts.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { free, sitesOf } from '../support/applications/sites.ts';

let world: World;
const hosts = memoryHosts();
/** Hosts that accept no more jobs, and do not respond to calls about them. */
const silent = new Set<string>();
beforeAll(async () => {
  hosts.world.failure = (method, host) =>
    ['start', 'ping'].includes(method) && silent.has(host)
      ? new HostUnreachableError('salt', 'the minion does not answer')
      : undefined;
  world = await testWorld(onMemory(hosts));
});
afterAll(() => world.close());

const { setFields, setStatus, one, ended, instancesOf } = sitesOf(() => world);

test.each(['/run/web.pid', ''])(
  'a failed start is recorded as unknown, and the result says so; pid file: "%s"',
  async (pidPath) => {
    const estate = await memoryEstate(world, hosts, 1);
    await setFields(estate, { startupCmd: 'start', stopCmd: 'stop', pidPath });
    await setStatus(estate, 'running');
    hosts.world.behaviour = ({ job, host, exit }) => {
      if (!job.id.includes('-start-0')) return exit(job.id.endsWith('-look') ? 3 : 0);
      exit(4);
      silent.add(host);
    };
    const operator = await world.user({ application: { [estate.applicationId]: ['restart_app'] } });
    const site = { ...estate, operator };
    const task = await ended(site, await one(site, 'restart'));
    const message = 'start: exit status 4; whether it runs is not known: no answer: the minion does not answer';
    expect(task.results).toMatchObject([{ status: 'failed', message }]);
    expect(await instancesOf(estate)).toEqual([free('unknown')]);
  },
);
