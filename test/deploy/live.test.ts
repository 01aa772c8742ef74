import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import { WebSocket } from 'ws';
import { runJob } from '../../activities/tasks/follow-job.ts';
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import { startWorker } from '../../activities/worker.ts';
import type { RunningWorker } from '../../activities/worker.ts';
import { settleSubTask } from '../../db/deploy/finish.ts';
import { appendOutput, readOutput } from '../../db/tasks/output.ts';
import { readPartials, showPartial } from '../../db/tasks/partials.ts';
import { createLogger } from '../../kit/log.ts';
import { eventually, temporalAddress } from '../support/harness.ts';
import { makeEstate, quietRuntime, startedTask } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { accepted, resultsOf, taskPath, upgrade } from '../support/deploy/acts.ts';
import { FollowingClient } from '../support/deploy/follower.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { numbers, outputRows } from '../support/deploy/output-rows.ts';
import { as, upgradeStatus } from '../support/deploy/upgrade.ts';
import type { Running } from '../support/deploy/output-rows.ts';
import { ownServer } from '../support/deploy/server.ts';
import type { Server } from '../support/deploy/server.ts';

let server: Server;
let estate: TestEstate;
beforeAll(async () => {
  server = await ownServer();
  estate = await makeEstate(server, 1);
});
afterAll(() => server.close());

const { running, write, end } = outputRows(() => ({ server, estate }));

describe('before the upgrade', () => {
  test('nobody is 401, who may not read the output 403, who may not see the application or asks for none 404', async () => {
    const { url } = await running();
    const viewer = await server.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(await upgradeStatus(url)).toBe(401);
    expect(await upgradeStatus(url, { authorization: `Token ${'0'.repeat(40)}` })).toBe(401);
    expect(await upgradeStatus(url, as(viewer))).toBe(403);
    expect(await upgradeStatus(url, as(await server.user()))).toBe(404);
    expect(await upgradeStatus(url, as(estate.manager))).toBe(101);
    for (const taskId of ['999999999999', '0', '-1', 'x', '1e3', String(10 ** 18)]) {
      const other = `ws://${server.address}/ws/tasks/${taskId}/output`;
      expect([taskId, await upgradeStatus(other, as(estate.manager))]).toEqual([taskId, 404]);
    }
  });

  test('an after that is no number is refused with 400', async () => {
    const { url } = await running();
    for (const after of ['x', '-1', '1.5', '', '1'.repeat(30)])
      expect([after, await upgradeStatus(`${url}?after=${after}`, as(estate.manager))]).toEqual([after, 400]);
  });

  test('a ticket is good once, for its task and its user, while the user is enabled', async () => {
    const [one, other] = [await running(), await running()];
    const owner = await server.user({ application: { [estate.applicationId]: ['view_app', 'view_app_log'] } });
    const address = async ({ id, subTask }: Running): Promise<string> => {
      const { body } = await owner.get(taskPath(id, `sub-upgrade-tasks/${subTask}/`));
      return String(body['task_output']);
    };
    const ticket = await address(one);
    expect(ticket.startsWith(`${one.url}?ticket=`)).toBe(true);
    expect(await upgradeStatus(ticket)).toBe(101);
    expect(await upgradeStatus(ticket)).toBe(401);
    const foreign = (await address(one)).replace(`/${one.subTask}/`, `/${other.subTask}/`);
    expect(await upgradeStatus(foreign)).toBe(401);
    const late = await address(one);
    await server.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', owner.id).execute();
    expect(await upgradeStatus(late)).toBe(401);
    expect(await upgradeStatus(`${one.url}?ticket=nonsense`)).toBe(401);
  });
});

describe('a follower', () => {
  test('gets what was written, then what comes, then the end: every line once and in order', async () => {
    const { subTask, url } = await running();
    await write(subTask, 0, 1500);
    const follower = new FollowingClient(url, estate.manager.token);
    for (let from = 1500; from < 2000; from += 50) await write(subTask, from, from + 50);
    await eventually(() => follower.lines.length === 2000);
    await end(subTask);
    expect(await follower.end).toBe('finished');
    expect(follower.lines.map(({ seq }) => seq)).toEqual(numbers(0, 2000));
    expect(follower.lines.map(({ text }) => text)).toEqual(numbers(0, 2000).map((n) => `line ${n}`));
    expect(follower.connections).toBe(1);
  });

  test('of many tasks at once gets only the lines of its own', async () => {
    const tasks = await Promise.all(Array.from({ length: 5 }, running));
    const followers = tasks.map(({ url }) => new FollowingClient(url, estate.manager.token));
    await Promise.all(tasks.map(({ subTask }, index) => write(subTask, 0, 100 + index)));
    await Promise.all(tasks.map(({ subTask }) => end(subTask)));
    for (const [index, follower] of followers.entries()) {
      expect(await follower.end).toBe('finished');
      expect(follower.lines.map(({ seq }) => seq)).toEqual(numbers(0, 100 + index));
    }
  });

  test('who asks for lines after one gets those only, also when there are none yet', async () => {
    const { subTask, url } = await running();
    await write(subTask, 0, 10);
    const seen: { seq?: number; event?: string }[] = [];
    const socket = new WebSocket(`${url}?after=7`, { headers: as(estate.manager) });
    socket.on('message', (data: Buffer) => seen.push(JSON.parse(data.toString('utf8')) as { seq: number }));
    const closed = once(socket, 'close') as Promise<[number]>;
    await eventually(() => seen.length === 3);
    await end(subTask);
    const [code] = await closed;
    expect(code).toBe(1000);
    expect(seen.map(({ seq, event }) => seq ?? event)).toEqual([8, 9, 10, 'end']);
  });

  test('of a task that has ended gets everything and the end at once', async () => {
    const { subTask, url, id } = await running();
    await write(subTask, 0, 3);
    await settleSubTask(server.db, subTask, 'it broke');
    const follower = new FollowingClient(url, estate.manager.token);
    expect(await follower.end).toBe('failed');
    expect(follower.lines).toHaveLength(3);
    const { body } = await estate.manager.get(taskPath(id, `sub-tasks/${subTask}/output/?after=1&limit=1`));
    expect(body).toMatchObject({ results: [{ seq: 2, text: 'line 2' }], next_after: 2, ended: true, status: 'failed' });
  });

  describe('of output over the limit', () => {
    // Half of it is ten lines; those with two digits take eight bytes.
    const limit = 152;
    const gone = (from: number, to: number, bytes?: number) => ({
      seq: to,
      stream: 'system',
      instance: null,
      host: 'h',
      text: `lines ${from} to ${to}${bytes === undefined ? '' : `, ${bytes} bytes,`} are missing here: of long output the beginning and the end are kept`,
    });
    const pageOf = async ({ id, subTask }: Running, query: string) => {
      const { body } = await estate.manager.get(taskPath(id, `sub-tasks/${subTask}/output/?${query}`));
      return body as { results: { seq: number; text: string }[]; next_after: number };
    };

    test('gets all while it comes, and who comes late the beginning, how much is missing, and the end', async () => {
      const one = await running();
      const early = new FollowingClient(one.url, estate.manager.token);
      for (let from = 0; from < 90; from += 5) {
        await write(one.subTask, from, from + 5, limit);
        await eventually(() => early.lines.length === from + 5);
      }
      await end(one.subTask);
      await early.end;
      expect(early.lines.map(({ text }) => text)).toEqual(numbers(0, 90).map((n) => `line ${n}`));
      const late = new FollowingClient(one.url, estate.manager.token);
      await late.end;
      const kept = (from: number, to: number): string[] => numbers(from, to).map((n) => `line ${n}`);
      expect(late.lines[10]).toMatchObject(gone(11, 80, 560));
      expect(late.lines.map(({ text }) => text)).toEqual([...kept(0, 10), gone(11, 80, 560).text, ...kept(80, 90)]);
      expect(late.lines.map(({ seq }) => seq)).toEqual([...numbers(0, 10), ...numbers(79, 90)]);
      const stored = server.db.selectFrom('taskOutput').select('text').where('taskId', '=', one.subTask);
      const bytes = (await stored.execute()).reduce((sum, { text }) => sum + text.length + 1, 0);
      expect(bytes).toBeLessThanOrEqual(limit);
      expect(await pageOf(one, 'after=9&limit=2')).toMatchObject({
        results: [{ seq: 10 }, gone(11, 80, 560)],
        next_after: 80,
      });
      expect((await pageOf(one, 'after=0&limit=10')).results.map(({ seq }) => seq)).toEqual(numbers(0, 10));
      expect((await pageOf(one, 'after=80')).results.map(({ seq }) => seq)).toEqual(numbers(80, 90));
      expect((await pageOf(one, 'after=50&limit=1')).results).toMatchObject([gone(51, 80)]);
      expect((await pageOf(one, 'stream=stderr')).results).toMatchObject([gone(11, 80, 560)]);
    });

    test.each([1, 7, 90])('keeps the same of batches of %d lines', async (size) => {
      const one = await running();
      for (let from = 0; from < 90; from += size) await write(one.subTask, from, Math.min(90, from + size), limit);
      expect((await pageOf(one, '')).results.map(({ seq }) => seq)).toEqual([...numbers(0, 10), ...numbers(79, 90)]);
    });

    test('gets a last line that alone is longer than the end, and no line of the beginning goes for it', async () => {
      const one = await running();
      const origin = { instanceId: null, host: 'h', step: 'start', stream: 'stdout' as const };
      const long = { ...origin, text: 'x'.repeat(limit) };
      const add = (from: number, lines: (typeof long)[]): Promise<boolean> =>
        appendOutput(server.db, { taskId: one.subTask, source: 's', from, to: from + 1, lines, limitBytes: limit });
      await add(0, [...numbers(0, 10).map((n) => ({ ...origin, text: `line ${n}` })), long]);
      const seqs = async (): Promise<number[]> => (await pageOf(one, '')).results.map(({ seq }) => seq);
      expect(await seqs()).toEqual(numbers(0, 11));
      await add(1, [long, { ...origin, text: 'last' }]);
      expect(await seqs()).toEqual([...numbers(0, 10), 12, 13]);
      expect((await pageOf(one, 'after=10')).results).toMatchObject([gone(11, 12, 2 * (limit + 1)), { text: 'last' }]);
    });

    test('is told what the host had dropped before it was copied, also once that is dropped here too', async () => {
      const hostOf = { name: 'h', runner: 'local' as const, address: null };
      const lines = 5_000;
      const world = createMemoryWorld(({ stdout, exit }) => {
        stdout(Array.from({ length: lines }, (_, i) => `${String(i + 1).padStart(99, '0')}\n`).join(''));
        exit(0);
      });
      const runner = createMemoryRunner(world);
      await runner.prepare(hostOf);
      for (const [limitBytes, isTold] of [
        [100_000, false],
        [100_300, true],
      ] as const) {
        const one = await running();
        const origin = { instanceId: null, host: 'h', step: 'start' };
        const to = { db: server.db, limitBytes: isTold ? 10 ** 6 : limitBytes, taskId: one.subTask, origin };
        const job = { id: `flood-${limitBytes}`, script: { language: 'bash' as const, content: '' }, cwd: '/' };
        // Copied with a larger limit than the host's, or with the same.
        await runner.start(hostOf, { ...job, env: {}, user: null, outputLimitBytes: limitBytes });
        await new MockActivityEnvironment().run(() => runJob(to, runner, hostOf, { ...job, env: {}, user: null }));
        const { results } = await pageOf(one, 'limit=10000');
        const told = results.filter(({ text }) => text.includes('missing here'));
        const dropped = lines * 100 - limitBytes;
        if (isTold) expect(told).toMatchObject([{ text: expect.stringContaining(`${dropped} bytes of stdout`) }]);
        else expect(told).toMatchObject([{ text: expect.stringMatching(/^lines 501 to \d+, \d+ bytes, are missing/) }]);
        expect(results.at(-1)?.text).toBe(String(lines).padStart(99, '0'));
        if (!isTold) expect(Number(/, (\d+) bytes/.exec(told[0]?.text ?? '')?.[1])).toBeGreaterThanOrEqual(dropped);
      }
    });
  });
});

describe('a connection on which nothing is said', () => {
  let pinging: Server;
  let owner: TestEstate;
  beforeAll(async () => {
    pinging = await ownServer(temporalAddress(), { pingMs: 100 });
    owner = await makeEstate(pinging, 1);
  });
  afterAll(() => pinging.close());

  async function silent(options: object): Promise<{ socket: WebSocket; heard: string[]; closed: Promise<unknown> }> {
    const { id } = await pinging.db
      .insertInto('tasks')
      .values({ area: 'instance', kind: 'stop', applicationId: owner.applicationId, creator: 'x', timeoutSeconds: 60 })
      .returning('id')
      .executeTakeFirstOrThrow();
    const heard: string[] = [];
    const socket = new WebSocket(`ws://${pinging.address}/ws/tasks/${id}/output`, {
      ...options,
      headers: as(owner.manager),
    });
    socket.on('ping', () => heard.push('ping'));
    socket.on('message', (data: Buffer) => heard.push((JSON.parse(data.toString('utf8')) as { event: string }).event));
    return { socket, heard, closed: once(socket, 'close') };
  }

  test('is pinged, and its pages see heartbeats; who answers stays, who does not is cut off after two rounds', async () => {
    const [answering, deaf] = [await silent({}), await silent({ autoPong: false })];
    await deaf.closed;
    expect(deaf.heard.filter((one) => one === 'ping')).toHaveLength(2);
    const before = answering.heard.length;
    await eventually(() => answering.heard.length >= before + 8);
    expect(new Set(answering.heard)).toEqual(new Set(['ping', 'heartbeat']));
    expect(answering.socket.readyState).toBe(WebSocket.OPEN);
    answering.socket.terminate();
  });
});

describe('a line that has not ended', () => {
  const standing = { instanceId: null, host: 'h', step: 'start', stream: 'stdout' as const, source: 's', position: 2 };

  test('is sent while the copy stands where it begins, again when it changes, and is never a line', async () => {
    const { subTask, url } = await running();
    await write(subTask, 0, 2);
    await showPartial(server.db, { ...standing, taskId: subTask, text: '10%' });
    const follower = new FollowingClient(url, estate.manager.token);
    await eventually(() => follower.events.length === 1);
    await showPartial(server.db, { ...standing, taskId: subTask, text: '20%' });
    await eventually(() => follower.events.length === 2);
    await write(subTask, 2, 3);
    await eventually(() => follower.lines.length === 3);
    expect(await readPartials(server.db, subTask, 3)).toEqual([]);
    await end(subTask);
    await follower.end;
    const { instanceId: instance, host, step, stream } = standing;
    expect(follower.events).toEqual(
      ['10%', '20%'].map((text) => ({ event: 'partial', instance, host, step, stream, text })),
    );
    expect(follower.lines.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('waits for the lines before it, and goes with its task', async () => {
    const { subTask } = await running();
    await write(subTask, 0, 2);
    await showPartial(server.db, { ...standing, taskId: subTask, text: '10%' });
    expect(await readPartials(server.db, subTask, 1)).toBeUndefined();
    expect(await readPartials(server.db, subTask, 2)).toHaveLength(1);
    await end(subTask);
    await showPartial(server.db, { ...standing, taskId: subTask, text: 'late' });
    expect(await server.db.selectFrom('taskPartials').where('taskId', '=', subTask).selectAll().execute()).toEqual([]);
  });
});

describe('a step on a host', () => {
  let worker: RunningWorker;
  beforeAll(async () => {
    quietRuntime();
    const at = { databaseUrl: server.database.url, temporalAddress: temporalAddress() };
    worker = await startWorker(server.config, createLogger({ logLevel: 'fatal' }, 'test'), at, {});
  });
  afterAll(() => worker.stop());

  /** The upgrade of an estate of its own whose first hook is this. */
  async function hooked(content: string): Promise<{ own: TestEstate; subTask: number; follower: FollowingClient }> {
    const own = await makeEstate(server, 1);
    await setHooks(server, own, { pre_exec: await makeScript(server, content) });
    const id = await startedTask(server, own);
    const subTask = accepted(await upgrade(own, id, { timeout: 30 }));
    return {
      own,
      subTask,
      follower: new FollowingClient(`ws://${server.address}/ws/tasks/${subTask}/output`, own.manager.token),
    };
  }

  test('may print twenty thousand short lines at once: all are numbered, and live is what is stored', async () => {
    const { subTask, follower } = await hooked('seq 1 20000\n');
    expect(await follower.end).toBe('finished');
    const stored = await readOutput(server.db, subTask, { after: 0, limit: 30_000 });
    expect(follower.lines.map(({ seq, text }) => [seq, text])).toEqual(stored.map(({ seq, text }) => [seq, text]));
    expect(stored.map(({ seq }) => seq)).toEqual(numbers(0, stored.length));
    const printed = stored.filter(({ step, stream }) => step === 'pre_exec' && stream === 'stdout');
    expect(printed.map(({ text }) => text)).toEqual(numbers(0, 20_000).map(String));
  });

  test('shows what stands on its line before that ends', async () => {
    const gate = join(server.config.dataDir, `gate-${estate.name}`);
    const wait = `while [ ! -e "${gate}" ]; do sleep 0.1; done\n`;
    const { subTask, follower } = await hooked(`printf 'first\\n10%%\\r20%%'\n${wait}echo ' done'\n`);
    const partials = () => follower.events.filter(({ event }) => event === 'partial');
    await eventually(() => partials().length > 0, { timeout: 20_000 });
    expect(partials()).toMatchObject([{ event: 'partial', step: 'pre_exec', stream: 'stdout', text: '20%' }]);
    const stored = async () => (await readOutput(server.db, subTask, { after: 0, limit: 100 })).map(({ text }) => text);
    expect(await stored()).not.toContain('20%');
    writeFileSync(gate, '');
    expect(await follower.end).toBe('finished');
    expect(await stored()).toContain('10%\r20% done');
  });

  test('whose output the database refuses for good ends at once as failed, in words, and nothing of it goes on', async () => {
    await sql
      .raw(
        `create function refuse_poison() returns trigger language plpgsql as
           $$ begin raise exception 'no' using errcode = '54000'; end $$;
         create trigger poison before insert on task_output for each row when (new.text = 'poison')
           execute function refuse_poison()`,
      )
      .execute(server.database.owner);
    const { own, subTask, follower } = await hooked('echo poison\nsleep 600\n');
    expect(await follower.end).toBe('failed');
    const [result] = await resultsOf(server, subTask);
    expect(result?.message).toContain('the database refuses what was to be written (54000)');
    const instance = server.db
      .selectFrom('instances')
      .where('id', 'in', own.instanceIds)
      .select(['status', 'busyTaskId']);
    expect(await instance.execute()).toEqual([{ status: 'stopped', busyTaskId: null }]);
  });
});
