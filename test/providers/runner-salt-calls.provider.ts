// What Salt adds to a runner's promises: few messages, answers that are lost, minions that are away.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runner, RunnerHost } from '../../activities/providers/runner/driver.ts';
import type { Minion } from '../../activities/providers/runner/minions.ts';
import { createSaltRunner } from '../../activities/providers/runner/salt/transport.ts';
import { endOf, expectRefusal, jobOf, said } from './runner.suite.ts';
import { runningSalt } from '../support/servers/salt.ts';
import type { SaltServers } from '../support/servers/salt.ts';
import { openWire } from '../support/servers/wire.ts';
import type { SaltWire } from '../support/servers/wire.ts';

describe('the salt runner alone', () => {
  let salt: SaltServers;
  let wire: SaltWire;
  let runner: Runner;
  let hosts: RunnerHost[];
  const folder = mkdtempSync(join(tmpdir(), 'slipway-salt-files-'));

  beforeAll(async () => {
    salt = await runningSalt();
    wire = await openWire(salt.settings.url);
    runner = createSaltRunner({ ...salt.settings, url: wire.url });
    hosts = salt.minions.map((name) => ({ name, runner: 'salt', address: null }));
    await Promise.all(hosts.map((host) => runner.prepare(host)));
  });
  afterAll(async () => {
    await wire.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const job = (script: string) => jobOf({ script, behaviour: () => undefined });
  const publishes = (from: number) => wire.calls.slice(from).filter(({ name }) => name.startsWith('local_async'));
  const first = (): RunnerHost => hosts[0] as RunnerHost;

  test('three minions get different scripts by one publish, and each runs its own', async () => {
    const jobs = hosts.map(({ name }) => job(`echo "this is ${name}"`));
    const before = wire.calls.length;
    await Promise.all(hosts.map((host, index) => runner.start(host, jobs[index] ?? job('true'))));
    expect(publishes(before)).toEqual([{ name: 'local_async cmd.run_all', targets: 3 }]);
    const outputs = await Promise.all(
      hosts.map(async (host, index) => {
        const { id } = jobs[index] ?? job('true');
        await endOf(runner, host, id);
        return said(runner, host, id);
      }),
    );
    expect(outputs).toEqual(hosts.map(({ name }) => `this is ${name}\n`));
  });

  test('when the answer to a publish is lost, the job is found by its id, nothing is sent or run twice', async () => {
    const file = join(folder, 'runs');
    const once = job(`echo run >> ${file}`);
    const before = wire.calls.length;
    wire.losePublishes(1);
    await runner.start(first(), once);
    expect(publishes(before)).toHaveLength(1);
    expect(wire.calls.slice(before).map(({ name }) => name)).toContain('runner jobs.list_job');
    await endOf(runner, first(), once.id);
    expect(readFileSync(file, 'utf8')).toBe('run\n');
  });

  test('a package goes to three minions through the file server by one message, and is verified there', async () => {
    const content = Buffer.alloc(3 * 2 ** 20, 'slipway');
    const source = join(folder, 'package');
    writeFileSync(source, content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const served = createSaltRunner({ ...salt.settings, url: wire.url, fileRoot: salt.fileRoot });
    const before = wire.calls.length;
    await served.putFile(first(), join(folder, 'placed'), source, { sha256 });
    expect(publishes(before).map(({ name }) => name)).toEqual([
      'local_async cmd.run_all',
      'local_async cp.get_file',
      'local_async cmd.run_all',
    ]);
    expect(readFileSync(join(folder, 'placed')).equals(content)).toBe(true);
  });

  test('the master lists its minions with what they told of themselves, and asks none of them', async () => {
    const before = wire.calls.length;
    const listed: Minion[] = [];
    for await (const page of createSaltRunner({ ...salt.settings, url: wire.url }).minions()) listed.push(...page);
    // The master is the whole run's, and others may have hosts of their own there.
    const found = listed.filter(({ id }) => salt.minions.includes(id));
    expect(found.map(({ id }) => id)).toEqual([...salt.minions].sort());
    for (const { addresses, cpu, memory, osType } of found) {
      expect(addresses.filter((address) => isIP(address) === 0 || address.startsWith('127.'))).toEqual([]);
      expect([cpu, memory].every((one) => one !== null && one > 0)).toBe(true);
      expect(osType).not.toBe('');
    }
    expect(publishes(before)).toEqual([]);
  });

  test('a wrong password is refused, and neither it nor the right one is in the message', async () => {
    const wrong = createSaltRunner({ ...salt.settings, password: 'hunter2-wrong' });
    const error: unknown = await wrong.ping(first()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('refuses the login of slipway') });
    expect(String(error)).not.toContain('hunter2-wrong');
    expect(String(error)).not.toContain(salt.password);
  });

  test('when salt-api knows no token any more, as after its restart, calls log in again and are answered', async () => {
    const calls = createSaltRunner({ ...salt.settings, url: wire.url });
    await calls.ping(first());
    wire.forgetTokens();
    const asked = await Promise.allSettled(hosts.map((host) => calls.ping(host)));
    expect(asked.map(({ status }) => status)).toEqual(hosts.map(() => 'fulfilled'));
  });

  test('an API without a listener is unavailable', async () => {
    await expectRefusal(createSaltRunner({ ...salt.settings, url: 'http://127.0.0.1:1' }).ping(first()), 'unavailable');
  });

  test('a minion that was stopped does not answer, others do, and it is found again when it is back', async () => {
    const [, second, third] = hosts as [RunnerHost, RunnerHost, RunnerHost];
    const long = job('echo up; sleep 600');
    await runner.start(third, long);
    await salt.stopMinion(third.name);
    const [away] = await Promise.allSettled([runner.ping(third), runner.ping(second)]).then(([a, b]) => {
      expect(b).toMatchObject({ status: 'fulfilled' });
      return [a];
    });
    expect(away).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    const before = wire.calls.length;
    const from = { stdout: 0, stderr: 0 };
    const asked = Promise.all([
      ...Array.from({ length: 4 }, (_, index) => runner.look(third, long.id, { ...from, stdout: index })),
      runner.state(third, long.id),
    ]);
    await salt.startMinion(third.name);
    // It was asked while it was away, and is asked again as soon as it is back.
    for (const answer of await asked) expect(answer).toMatchObject({ state: 'running' });
    // Each was looked for and then looked up, and all that were looked for at a time shared one question.
    const named = (wanted: string) => wire.calls.slice(before).filter(({ name }) => name === wanted).length;
    expect(named('local_async saltutil.running')).toBeGreaterThan(0);
    expect(named('local_async saltutil.running')).toBeLessThan(named('runner jobs.list_job'));
    await runner.kill(third, long.id, 2000);
    expect(await runner.state(third, long.id)).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
  });
});
