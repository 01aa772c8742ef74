// The application's process: what was told to end is waited for, what was started and has not shown itself is found, and a
// number in a pid file is believed only with the identity of its process. One version runs at the end, or none, as recorded.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { look } from '../../activities/deploy/process-scripts.ts';
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

const patience = { timeout: 280_000 };
const root = '"$SLIPWAY_HOST_ROOT"';
const calls = `mkdir -p ${root}/run; echo "start $(cat VERSION)" >> ${root}/calls;`;
const isNew = 'grep -q 2.0.0 VERSION';
const service = 'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"';
/** Ends on TERM once it is let go. */
const draining =
  `nohup bash -c 'trap told=yes TERM; until [ "$told" ] && [ -e ${root}/go ]; do sleep 0.1; done' >/dev/null 2>&1 & ` +
  'echo $! > "$SLIPWAY_PID_FILE"';
/** A daemon, in a session of its own, that shows itself when it is told to. */
const late =
  `setsid bash -c '(until [ -e ${root}/show ]; do sleep 0.1; done; sleep 600 & echo $! > "$SLIPWAY_PID_FILE"; wait) &' ` +
  '>/dev/null 2>&1';
const telling = `echo stop >> ${root}/calls; kill "$(cat "$SLIPWAY_PID_FILE")"`;

interface Commands {
  startupCmd?: string;
  stopCmd?: string;
}
interface Seconds {
  startSeconds?: number;
  stopSeconds?: number;
}

/** An estate of one instance with commands and settings of its own, and its host. */
async function made(commands: Commands, seconds: Seconds = {}): Promise<{ estate: TestEstate; host: HostFolder }> {
  const estate = await makeEstate(world, 1);
  const [host] = hostsOf(world, estate);
  if (!host) throw new Error('an estate of one instance has a host');
  const { applicationId } = estate;
  const set = { stopCmd: telling, ...commands };
  await world.db.updateTable('applications').set(set).where('id', '=', applicationId).execute();
  if (Object.keys(seconds).length > 0)
    await world.db.updateTable('deploySettings').set(seconds).where('applicationId', '=', applicationId).execute();
  return { estate, host };
}

const pidOf = (host: HostFolder): number => Number(host.lines('run/web.pid')[0] ?? 0);

/** A sub-task to 2.0.0 by a deploy task of its own. */
async function begun(estate: TestEstate, timeout = 600): Promise<number> {
  const id = await startedTask(world, estate, { version: '2.0.0' });
  return accepted(await upgrade(estate, id, { version: '2.0.0', timeout }));
}

const reached = (subTask: number, step: string): Promise<unknown> =>
  eventually(async () => (await resultsOf(world, subTask))[0]?.step === step, patience);

async function endOf(subTask: number) {
  const { status } = await endedTask(world, subTask, patience.timeout);
  const [result] = await resultsOf(world, subTask);
  return { status, step: result?.step, message: result?.message ?? '' };
}

const instanceOf = ({ instanceIds }: TestEstate) =>
  world.db
    .selectFrom('instances')
    .select(['status', 'version'])
    .where('id', 'in', instanceIds)
    .executeTakeFirstOrThrow();

const linesOf = async (subTask: number): Promise<string[]> =>
  (await world.db.selectFrom('taskOutput').select('text').where('taskId', '=', subTask).execute()).map(
    ({ text }) => text,
  );

/** A pid file of yesterday whose number another process has by now: this one. */
function stale(host: HostFolder): void {
  host.write('run/web.pid', `${process.pid}\n`);
  utimesSync(host.at('run/web.pid'), 1_000_000_000, 1_000_000_000);
}

const old = { status: 'running', version: '1.0.0' };

describe('the process of an application', () => {
  const alongside = concurrentTests();

  alongside('that was told to end and takes longer is waited for by the undo, and then runs again', async () => {
    const { estate, host } = await made({ startupCmd: `${calls} ${draining}` }, { stopSeconds: 1 });
    await install(world, estate, '1.0.0', `${calls} ${draining}`);
    const pid = pidOf(host);
    const subTask = await begun(estate);
    await reached(subTask, 'start_old');
    expect([isAlive(pid), host.calls]).toEqual([true, ['start 1.0.0', 'stop']]);
    host.write('go', '');
    const { status, step, message } = await endOf(subTask);
    expect([status, step, message]).toEqual(['failed', 'stop', 'stop: exit status 1']);
    expect(host.calls).toEqual(['start 1.0.0', 'stop', 'start 1.0.0']);
    expect([isAlive(pid), host.runs, await instanceOf(estate)]).toEqual([false, true, old]);
  });

  alongside('that has not ended by the timeout is killed, which a line says, and runs again', async () => {
    const waiting = `${telling}; while kill -0 "$(cat "$SLIPWAY_PID_FILE")"; do sleep 0.1; done`;
    const { estate, host } = await made({ startupCmd: `${calls} ${draining}`, stopCmd: waiting });
    await install(world, estate, '1.0.0', `${calls} ${draining}`);
    const pid = pidOf(host);
    const subTask = await begun(estate, 20);
    const { status, message } = await endOf(subTask);
    expect([status, message]).toEqual(['failed', 'timed out after 20 s; its commands were killed']);
    expect(await linesOf(subTask)).toContain(
      `process ${pid} was told to end and has not within the time: it is killed`,
    );
    expect(host.calls).toEqual(['start 1.0.0', 'stop', 'start 1.0.0']);
    expect([isAlive(pid), host.runs, await instanceOf(estate)]).toEqual([false, true, old]);
  });

  alongside('whose pid file goes before it is still waited for', async () => {
    const { estate, host } = await made({
      startupCmd: `${calls} ${service}`,
      stopCmd: `${telling}; rm "$SLIPWAY_PID_FILE"`,
    });
    await install(world, estate, '1.0.0', `${calls} ${draining}`);
    const pid = pidOf(host);
    const subTask = await begun(estate);
    await eventually(() => host.calls.length === 2 && host.lines('run/web.pid').length === 0, patience);
    await reached(subTask, 'stop');
    host.write('go', '');
    expect(await endOf(subTask)).toMatchObject({ status: 'finished' });
    expect([isAlive(pid), host.runs]).toEqual([false, true]);
  });

  alongside('that shows itself late, but in the time of a start, is a good start', async () => {
    const { estate, host } = await made({ startupCmd: `${calls} ${late}` }, { startSeconds: 500 });
    const subTask = await begun(estate);
    await reached(subTask, 'check');
    host.write('show', '');
    expect(await endOf(subTask)).toMatchObject({ status: 'finished' });
    expect([host.runs, await instanceOf(estate)]).toEqual([true, { status: 'running', version: '2.0.0' }]);
  });

  alongside('that has not shown itself is found and ended by the undo: two versions never run', async () => {
    const startupCmd = `${calls} if ${isNew}; then ${late}; else ${service}; fi`;
    const { estate, host } = await made({ startupCmd }, { startSeconds: 1 });
    await install(world, estate, '1.0.0', `${calls} ${service}`);
    const subTask = await begun(estate);
    expect(await endOf(subTask)).toMatchObject({ status: 'failed', step: 'check' });
    expect((await linesOf(subTask)).filter((line) => line.includes('are told to end'))).toHaveLength(1);
    host.write('show', '');
    await eventually(() => expect(processesOf(host.root)).toEqual(['sleep 600']));
    expect([host.runs, await instanceOf(estate)]).toEqual([true, old]);
  });

  alongside('that runs after an undo without showing itself is recorded as not known', async () => {
    const startupCmd = `${calls} if [ -e ${root}/mute ]; then ${late}; else ${service}; fi`;
    const { estate, host } = await made({ startupCmd }, { startSeconds: 3 });
    await install(world, estate, '1.0.0', `${calls} ${service}`);
    await setHooks(world, estate, { post_exec: await makeScript(world, `touch ${root}/mute; exit 1`) });
    const { message } = await endOf(await begun(estate));
    expect(message).toContain('whether it runs is not known: what was started runs, and the pid file does not name it');
    expect(await instanceOf(estate)).toEqual({ status: 'unknown', version: '1.0.0' });
    host.write('show', '');
    await eventually(() => expect(host.runs).toBe(true), patience);
  });

  alongside('is none that has the number of an old pid file, when a start only says that it started', async () => {
    const { estate, host } = await made({ startupCmd: `${calls} echo port in use` }, { startSeconds: 1 });
    stale(host);
    const subTask = await begun(estate);
    expect(await endOf(subTask)).toMatchObject({ status: 'failed', step: 'check' });
    expect((await linesOf(subTask)).join('\n')).toContain(`process ${process.pid} is younger than the file`);
    expect(await instanceOf(estate)).toEqual({ status: 'stopped', version: null });
    // The stop command would have ended the other one.
    expect(host.calls).toEqual(['start 2.0.0']);
  });

  alongside('is not the old version that nothing has stopped', async () => {
    const { estate, host } = await made({ startupCmd: `${calls} true`, stopCmd: '' }, { startSeconds: 1 });
    await install(world, estate, '1.0.0', `${calls} ${service}`);
    const pid = pidOf(host);
    const subTask = await begun(estate);
    expect(await endOf(subTask)).toMatchObject({ status: 'failed', step: 'check' });
    expect((await linesOf(subTask)).join('\n')).toContain(`process ${pid} is older than the start`);
    expect([pidOf(host), host.runs, host.current]).toEqual([pid, true, 'releases/1.0.0']);
    expect([host.calls, await instanceOf(estate)]).toEqual([['start 1.0.0', 'start 2.0.0'], old]);
  });

  alongside('that has died and whose number another one has is upgraded, and the other one left alone', async () => {
    const { estate, host } = await made({ startupCmd: `${calls} ${service}` });
    await install(world, estate, '1.0.0', `${calls} ${service}`);
    process.kill(pidOf(host));
    stale(host);
    const subTask = await begun(estate);
    expect(await endOf(subTask)).toMatchObject({ status: 'finished' });
    expect(await linesOf(subTask)).toContain(
      `nothing ran, nothing was stopped: process ${process.pid} of the pid file is not the application's`,
    );
    expect([host.calls, host.runs]).toEqual([['start 1.0.0', 'start 2.0.0'], true]);
  });

  alongside('is named by the first number of a pid file of several lines', async () => {
    const lines = `printf ' %s\\r\\n/var/lib/web\\n5432\\n' "$!" > "$SLIPWAY_PID_FILE"`;
    const several = `${calls} nohup sleep 600 >/dev/null 2>&1 & ${lines}`;
    const stopCmd = 'kill $(head -n 1 "$SLIPWAY_PID_FILE" | tr -d "\\r")';
    const { estate, host } = await made({ startupCmd: several, stopCmd });
    await install(world, estate, '1.0.0', several);
    const pid = pidOf(host);
    expect(await endOf(await begun(estate))).toMatchObject({ status: 'finished' });
    expect([isAlive(pid), host.runs]).toEqual([false, true]);
  });
});

test.each([
  [`${process.pid}`, true],
  [`${process.pid}\n`, true],
  [`\r\n  ${process.pid}\t\r\n`, true],
  [`${process.pid}\n/var/lib/postgresql\n1700000000\n5432\n`, true],
  [`pid ${process.pid}\n`, true],
  ['', false],
  ['\n', false],
  ['0\n', false],
  ['-1\n', false],
  [`-${process.pid}\n`, false],
  ['not a number\n', false],
  [`99999999999999999999\n${process.pid}`, true],
])('of a pid file with %j it is known whether its process runs: %s', (text, runs) => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pid-'));
  try {
    const file = join(folder, 'web.pid');
    writeFileSync(file, text);
    const env = { PATH: process.env.PATH, SLIPWAY_PID_FILE: file, SLIPWAY_PID_ROOTS: tmpdir() };
    const { status, stdout } = spawnSync('bash', ['-s'], { input: look, env, encoding: 'utf8' });
    expect([status, stdout.split(' ')[0]]).toEqual(runs ? [0, 'runs'] : [3, 'none']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
