// What an instance is recorded as and what its host says may differ, as after an undo that failed: the host is asked.
import { utimesSync } from 'node:fs';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, startedTask, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, resultsOf, upgrade } from '../support/deploy/acts.ts';
import type { HostFolder } from '../support/deploy/hosts.ts';
import { hostsOf, install, isAlive } from '../support/deploy/hosts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { processesOf } from '../support/deploy/listing.ts';
import { concurrentTests } from '../support/deploy/concurrent-tests.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

/** An estate of one instance that runs 1.0.0, with its host. */
async function running(): Promise<{ estate: TestEstate; host: HostFolder }> {
  const estate = await makeEstate(world, 1);
  const [host] = hostsOf(world, estate);
  if (!host) throw new Error('an estate of one instance has a host');
  await install(world, estate, '1.0.0');
  return { estate, host };
}

/** An upgrade of it by a deploy task of its own, to its end. */
async function upgraded(estate: TestEstate, version: string) {
  const id = await startedTask(world, estate, { version });
  const ended = await endedTask(world, accepted(await upgrade(estate, id, { version, timeout: 600 })), 280_000);
  const [result] = await resultsOf(world, ended.id);
  await world.db.updateTable('deployTasks').set({ status: 'closed' }).where('id', '=', id).execute();
  return { ...ended, result };
}

const instanceOf = ({ instanceIds }: TestEstate) =>
  world.db
    .selectFrom('instances')
    .select(['status', 'version', 'busyTaskId'])
    .where('id', 'in', instanceIds)
    .executeTakeFirstOrThrow();

const recordedAs = ({ instanceIds }: TestEstate, set: { status: 'stopped' | 'running' }) =>
  world.db.updateTable('instances').set(set).where('id', 'in', instanceIds).execute();

const commands = ({ applicationId }: TestEstate, set: { stopCmd?: string; pidPath?: string }) =>
  world.db.updateTable('applications').set(set).where('id', '=', applicationId).execute();

const services = (host: HostFolder): string[] => processesOf(host.root).filter((command) => command === 'sleep 600');

describe('what runs', () => {
  const alongside = concurrentTests();

  alongside('after an undo that failed is recorded as the host says, and stopped by the next upgrade', async () => {
    const { estate, host } = await running();
    // The link cannot be led back; all that comes after it in the undo is tried all the same, and starts a process.
    const noWayBack = 'cd "$SLIPWAY_STEPS_DIR/t$SLIPWAY_TASK"; rm former; mkdir former; exit 1';
    await setHooks(world, estate, { post_exec: await makeScript(world, noWayBack) });
    const { status, result } = await upgraded(estate, '2.0.0');
    expect([status, result?.message]).toEqual(['failed', expect.stringContaining('; switch_back: ')]);
    expect([host.runs, services(host)]).toEqual([true, ['sleep 600']]);
    expect(await instanceOf(estate)).toEqual({ status: 'running', version: '1.0.0', busyTaskId: null });
    await setHooks(world, estate, {});
    expect(await upgraded(estate, '3.0.0')).toMatchObject({ status: 'finished' });
    expect(host.calls.slice(-2)).toEqual(['stop', 'start 3.0.0']);
    await eventually(() => expect(services(host)).toEqual(['sleep 600']));
  });

  alongside('after an undo that failed and left nothing running is recorded as stopped', async () => {
    const { estate, host } = await running();
    const noWayBack = 'cd "$SLIPWAY_STEPS_DIR/t$SLIPWAY_TASK"; rm former; mkdir former';
    const noStart = `touch "$SLIPWAY_HOST_ROOT/broken"; ${noWayBack}; exit 1`;
    await setHooks(world, estate, { post_exec: await makeScript(world, noStart) });
    const { startupCmd } = await world.db
      .selectFrom('applications')
      .select('startupCmd')
      .where('id', '=', estate.applicationId)
      .executeTakeFirstOrThrow();
    await world.db
      .updateTable('applications')
      .set({ startupCmd: `[ ! -e "$SLIPWAY_HOST_ROOT/broken" ] || exit 1; ${startupCmd}` })
      .where('id', '=', estate.applicationId)
      .execute();
    expect(await upgraded(estate, '2.0.0')).toMatchObject({ status: 'failed' });
    expect([host.runs, services(host)]).toEqual([false, []]);
    expect(await instanceOf(estate)).toMatchObject({ status: 'stopped', busyTaskId: null });
  });

  alongside('without the row knowing it is stopped before an upgrade', async () => {
    const { estate, host } = await running();
    await recordedAs(estate, { status: 'stopped' });
    expect(await upgraded(estate, '2.0.0')).toMatchObject({ status: 'finished' });
    expect(host.calls).toEqual(['start 1.0.0', 'stop', 'start 2.0.0']);
    await eventually(() => expect(services(host)).toEqual(['sleep 600']));
  });

  alongside(
    'without the row knowing it runs again after an upgrade that failed, and the row knows it then',
    async () => {
      const { estate, host } = await running();
      await recordedAs(estate, { status: 'stopped' });
      await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
      expect(await upgraded(estate, '2.0.0')).toMatchObject({ status: 'failed' });
      expect(host.calls).toEqual(['start 1.0.0', 'stop', 'start 2.0.0', 'stop', 'start 1.0.0']);
      expect([host.runs, host.current]).toEqual([true, 'releases/1.0.0']);
      await eventually(() => expect(services(host)).toEqual(['sleep 600']));
      expect(await instanceOf(estate)).toEqual({ status: 'running', version: '1.0.0', busyTaskId: null });
    },
  );

  alongside('is not what the row says when it has ended: nothing is stopped, nor started again', async () => {
    const { estate, host } = await running();
    process.kill(Number(host.lines('run/web.pid')[0]));
    await eventually(() => expect(host.runs).toBe(false));
    await recordedAs(estate, { status: 'stopped' });
    await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
    expect(await upgraded(estate, '2.0.0')).toMatchObject({ status: 'failed' });
    expect(host.calls).toEqual(['start 1.0.0', 'start 2.0.0', 'stop']);
    expect(await instanceOf(estate)).toMatchObject({ status: 'stopped', version: '1.0.0' });
  });

  alongside('is no process that has come by the number in an old pid file', async () => {
    const { estate, host } = await running();
    const pid = Number(host.lines('run/web.pid')[0]);
    utimesSync(host.at('run/web.pid'), 1_000_000_000, 1_000_000_000);
    await recordedAs(estate, { status: 'stopped' });
    expect(await upgraded(estate, '2.0.0')).toMatchObject({ status: 'finished' });
    expect(host.calls).toEqual(['start 1.0.0', 'start 2.0.0']);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid);
  });

  alongside('cannot be told without a pid file: the stop command is run to be sure, and may fail', async () => {
    const { estate, host } = await running();
    await recordedAs(estate, { status: 'stopped' });
    const pid = '"$SLIPWAY_HOST_ROOT/run/web.pid"';
    await commands(estate, {
      pidPath: '',
      stopCmd: `echo stop >> "$SLIPWAY_HOST_ROOT/calls"; kill $(cat ${pid}); exit 1`,
    });
    await world.db
      .updateTable('applications')
      .set({
        startupCmd: `echo start >> "$SLIPWAY_HOST_ROOT/calls"; nohup sleep 600 >/dev/null 2>&1 & echo $! > ${pid}`,
      })
      .where('id', '=', estate.applicationId)
      .execute();
    expect(await upgraded(estate, '2.0.0')).toMatchObject({ status: 'finished' });
    expect(host.calls).toEqual(['start 1.0.0', 'stop', 'start']);
    await eventually(() => expect(services(host)).toEqual(['sleep 600']));
  });
});
