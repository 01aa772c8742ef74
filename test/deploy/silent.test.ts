// A host that says nothing at the end: what runs there is not known, and nothing is said of it that nobody has asked.
import { HostUnreachableError } from '../../activities/providers/error.ts';
import type { Behaviour } from '../../activities/providers/runner/memory.ts';
import { endedTask, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, resultsOf, upgrade } from '../support/deploy/acts.ts';
import { memoryEstate, memoryHosts, onMemory, startedOnMemory } from '../support/deploy/memory-hosts.ts';

let world: World;
const hosts = memoryHosts();
/** Hosts that take no more jobs. */
const silent = new Set<string>();
beforeAll(async () => {
  hosts.world.failure = (method, host) =>
    method === 'start' && silent.has(host) ? new HostUnreachableError('salt', 'the minion does not answer') : undefined;
  world = await testWorld(onMemory(hosts));
}, 60_000);
afterAll(() => world.close(), 60_000);

const instanceOf = ({ instanceIds }: TestEstate) =>
  world.db
    .selectFrom('instances')
    .select(['status', 'busyTaskId'])
    .where('id', 'in', instanceIds)
    .executeTakeFirstOrThrow();

/** How an upgrade of what runs ends, whose start fails and whose link cannot be led back. */
async function upgraded(pidPath: string, atEnd: Behaviour) {
  const estate = await memoryEstate(world, hosts, 1);
  hosts.world.behaviour = (control) => {
    if (/-(start|switch_back)-0/.test(control.job.id)) control.exit(1);
    else atEnd(control);
  };
  const commands = { startupCmd: 'start', stopCmd: 'stop', pidPath };
  await world.db.updateTable('applications').set(commands).where('id', '=', estate.applicationId).execute();
  await world.db.updateTable('instances').set({ status: 'running' }).where('id', 'in', estate.instanceIds).execute();
  const id = await startedOnMemory(world, estate);
  const subTask = accepted(await upgrade(estate, id, { timeout: 600 }));
  expect(await endedTask(world, subTask, 100_000)).toMatchObject({ status: 'failed' });
  const [result] = await resultsOf(world, subTask);
  return { instance: await instanceOf(estate), status: result?.status, message: result?.message };
}

const notUndone = 'start: exit status 1; switch_back: exit status 1';

test('after an undo that failed it is recorded as unknown, and the result says so', async () => {
  const end = await upgraded('/run/web.pid', ({ job, host, exit }) => {
    exit(0);
    // The last of the undo.
    if (job.id.includes('-start_old-')) silent.add(host);
  });
  expect(end).toEqual({
    instance: { status: 'unknown', busyTaskId: null },
    status: 'failed',
    message: `${notUndone}; whether it runs is not known: no answer: the minion does not answer`,
  });
});

test('so it does where the look itself fails, or there is no pid file to look at', async () => {
  const broken = await upgraded('/run/web.pid', ({ job, exit }) => exit(job.id.endsWith('-settle-look') ? 2 : 0));
  expect(broken).toMatchObject({
    instance: { status: 'unknown', busyTaskId: null },
    message: `${notUndone}; whether it runs is not known: look: exit status 2`,
  });
  expect(await upgraded('', ({ exit }) => exit(0))).toMatchObject({
    instance: { status: 'unknown', busyTaskId: null },
    message: `${notUndone}; whether it runs is not known: there is no pid file`,
  });
});

test('one that says that nothing runs is believed', async () => {
  const end = await upgraded('/run/web.pid', ({ job, exit }) => exit(job.id.endsWith('-look') ? 3 : 0));
  expect(end).toMatchObject({ instance: { status: 'stopped', busyTaskId: null }, message: notUndone });
});
