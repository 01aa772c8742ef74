// Who may read output live, for how long, and what readers cost who do not read.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { Follower as LiveFollower } from '../../api/tasks/output-follower.ts';
import { OutputReaders, unsentBytes } from '../../api/tasks/output-readers.ts';
import { budgetBytes } from '../../api/tasks/output-connections.ts';
import { beginSession, endSessions } from '../../db/access/sessions.ts';
import { appendOutput } from '../../db/tasks/output.ts';
import { createLogger } from '../../kit/log.ts';
import type { TestUser } from '../support/api/app.ts';
import { eventually } from '../support/harness.ts';
import { makeEstate } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { taskPath } from '../support/deploy/acts.ts';
import { numbers, outputRows } from '../support/deploy/output-rows.ts';
import type { Running } from '../support/deploy/output-rows.ts';
import { ownServer } from '../support/deploy/server.ts';
import type { Server } from '../support/deploy/server.ts';
import { as, upgradeStatus } from '../support/deploy/upgrade.ts';

let server: Server;
let estate: TestEstate;
beforeAll(async () => {
  server = await ownServer();
  estate = await makeEstate(server, 1);
});
afterAll(() => server.close());

const { running, write } = outputRows(() => ({ server, estate }));

describe('a reader who loses access is disconnected with 4401', () => {
  interface Reading {
    url: string;
    headers: Record<string, string>;
    lose(): Promise<unknown>;
    reason: string;
  }
  const ofUser = async () => {
    const user = await server.user({ application: { [estate.applicationId]: ['view_app', 'view_app_log'] } });
    return { user, one: await running() };
  };
  const grantsOf = ({ id }: TestUser) => server.db.deleteFrom('grants').where('userId', '=', id);
  const rightGone = 'the right to read this output is gone';
  const begin = async ({ id }: TestUser) => {
    const session = await beginSession(server.db, { userId: id, remoteAddr: null, userAgent: null, now: new Date() });
    return { session, headers: { cookie: `slipway_session=${session.value}` } };
  };

  const cases: Record<string, () => Promise<Reading>> = {
    'the right to the output': async () => {
      const { user, one } = await ofUser();
      const lose = () => grantsOf(user).where('permission', '=', 'view_app_log').execute();
      return { url: one.url, headers: as(user), lose, reason: rightGone };
    },
    'the right to see the application, by a role': async () => {
      const [user, one] = [await server.user(), await running()];
      const role = await server.db
        .insertInto('roles')
        .values({ name: `readers-${user.id}`, creator: 'test' })
        .returning('id')
        .executeTakeFirstOrThrow();
      const { id: roleId } = role;
      const grants = ['view_app', 'view_app_log'].map((permission) => ({ roleId, permission }));
      const scope = { scope: 'application' as const, objectId: estate.applicationId };
      await server.db
        .insertInto('grants')
        .values(grants.map((grant) => ({ ...grant, ...scope })))
        .execute();
      await server.db.insertInto('userRoles').values({ userId: user.id, roleId }).execute();
      const lose = () => server.db.deleteFrom('userRoles').where('userId', '=', user.id).execute();
      return { url: one.url, headers: as(user), lose, reason: rightGone };
    },
    'the right to one of the hosts of a task': async () => {
      const { id: hostId } = await server.db
        .selectFrom('hosts')
        .select('id')
        .where('name', 'in', estate.hostnames)
        .executeTakeFirstOrThrow();
      const user = await server.user({ host: { [hostId]: ['view_host'] } });
      const task = await server.db
        .insertInto('tasks')
        .values({ area: 'host', kind: 'restart', creator: 'x', timeoutSeconds: 60 })
        .returning('id')
        .executeTakeFirstOrThrow();
      await server.db
        .insertInto('taskResults')
        .values({ taskId: task.id, position: 0, hostId, hostname: 'h' })
        .execute();
      const url = `ws://${server.address}/ws/tasks/${task.id}/output`;
      return { url, headers: as(user), lose: () => grantsOf(user).execute(), reason: rightGone };
    },
    'the account': async () => {
      const { user, one } = await ofUser();
      const lose = () => server.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', user.id).execute();
      return { url: one.url, headers: as(user), lose, reason: 'the account is not enabled' };
    },
    'the token': async () => {
      const { user, one } = await ofUser();
      const lose = () => server.db.deleteFrom('authTokens').where('userId', '=', user.id).execute();
      return { url: one.url, headers: as(user), lose, reason: 'the token has ended' };
    },
    'the session': async () => {
      const { user, one } = await ofUser();
      const { headers } = await begin(user);
      return { url: one.url, headers, lose: () => endSessions(server.db, user.id), reason: 'the session has ended' };
    },
    'the session that a ticket was given to': async () => {
      const { user, one } = await ofUser();
      const { headers } = await begin(user);
      const path = `http://${server.address}${taskPath(one.id, `sub-upgrade-tasks/${one.subTask}/`)}`;
      const { task_output: url } = (await (await fetch(path, { headers })).json()) as { task_output: string };
      return { url, headers: {}, reason: 'the session has ended', lose: () => endSessions(server.db, user.id) };
    },
  };

  test.each(Object.keys(cases))('%s', async (name) => {
    const { url, headers, lose, reason } = await (cases[name] as () => Promise<Reading>)();
    const neighbour = await running();
    const [own, other] = [
      new WebSocket(url, { headers }),
      new WebSocket(neighbour.url, { headers: as(estate.manager) }),
    ];
    await Promise.all([once(own, 'open'), once(other, 'open')]);
    const closed = once(own, 'close') as Promise<[number, Buffer]>;
    await lose();
    const [code, text] = await closed;
    expect([code, text.toString()]).toEqual([4401, reason]);
    expect(other.readyState).toBe(WebSocket.OPEN);
    other.terminate();
  });

  test('a ticket is void once the session that it was given to has ended', async () => {
    const { user, one } = await ofUser();
    const { headers } = await begin(user);
    const path = `http://${server.address}${taskPath(one.id, `sub-upgrade-tasks/${one.subTask}/`)}`;
    const { task_output: url } = (await (await fetch(path, { headers })).json()) as { task_output: string };
    await endSessions(server.db, user.id);
    expect(await upgradeStatus(url)).toBe(401);
  });
});

describe('the followers of one task', () => {
  const log = createLogger({ logLevel: 'fatal' }, 'test');

  /** Counts the statements of what is read with it. */
  function counting() {
    const count = { statements: 0 };
    const db = server.db.withPlugin({
      transformQuery({ node }) {
        count.statements += 1;
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    });
    return { db, count };
  }

  /** A follower whose socket flushes at once, or when it is told to. */
  function following(readers: OutputReaders, taskId: number, seq: number, isSlow: boolean) {
    const seqs: number[] = [];
    const held: (() => void)[] = [];
    const socket = {
      send(data: string, sent: () => void) {
        seqs.push((JSON.parse(data) as { seq: number }).seq);
        if (isSlow) held.push(sent);
        else sent();
      },
      close: () => undefined,
    };
    const follower = new LiveFollower({ log, readers }, { socket, wire: undefined, taskId, seq });
    return { follower, seqs, flush: () => held.splice(0).forEach((sent) => sent()) };
  }

  // The status, the lines, and the partial lines.
  const statementsOfARound = 3;

  test.each([2, 200])(
    '%d of them cost three statements together when they come, and for a notification or a poll',
    async (n) => {
      const { subTask } = await running();
      await write(subTask, 0, 5);
      const { db, count } = counting();
      const readers = new OutputReaders(db);
      const timers = jest.spyOn(globalThis, 'setInterval').mockReturnValue(undefined as never);
      const followers = Array.from({ length: n }, () => following(readers, subTask, 0, false));
      const [poll] = timers.mock.calls.map(([round]) => round);
      expect(timers).toHaveBeenCalledTimes(1);
      timers.mockRestore();
      await eventually(() => count.statements === statementsOfARound);
      count.statements = 0;
      await write(subTask, 5, 8);
      readers.wake(subTask);
      await eventually(
        () => followers.every(({ seqs }) => seqs.length === 8) && count.statements >= statementsOfARound,
      );
      expect(count.statements).toBe(statementsOfARound);
      await write(subTask, 8, 9);
      poll?.();
      await eventually(() => followers.every(({ seqs }) => seqs.length === 9));
      await eventually(() => count.statements >= 2 * statementsOfARound);
      expect(count.statements).toBe(2 * statementsOfARound);
      for (const { seqs, follower } of followers) {
        expect(seqs).toEqual(numbers(0, 9));
        follower.stop();
      }
    },
  );

  test('who are slow, or begin elsewhere, get every line once and in order', async () => {
    const { subTask } = await running();
    await write(subTask, 0, 2_500);
    const readers = new OutputReaders(server.db);
    const starts = [0, 0, 700, 1_999, 2_500];
    const followers = starts.map((seq, index) => ({ seq, ...following(readers, subTask, seq, index > 0) }));
    await eventually(() => (followers[0]?.seqs.length ?? 0) === 2_500);
    for (let from = 2_500; from < 2_600; from += 10) {
      await write(subTask, from, from + 10);
      readers.wake(subTask);
      followers[from % 3]?.flush();
    }
    await eventually(() => {
      for (const { flush } of followers) flush();
      return followers.every(({ seqs, seq }) => seqs.length >= 2_600 - seq);
    });
    for (const { seqs, seq, follower } of followers) {
      expect(seqs).toEqual(numbers(seq, 2_600));
      follower.stop();
    }
  });
});

describe('readers who do not read', () => {
  /** A task with 10 MB, of which each byte is escaped as six. */
  async function large(): Promise<Running> {
    const one = await running();
    const origin = { instanceId: null, host: 'h', step: 'start', stream: 'stdout' as const };
    const lines = Array.from({ length: 600 }, () => ({ ...origin, text: '\u001b'.repeat(16 * 1024) }));
    await appendOutput(server.db, { taskId: one.subTask, source: 's', from: 0, to: 1, lines, limitBytes: 10 ** 9 });
    return one;
  }

  test('keep no more than a share each in memory, 200 of them less than the budget together', async () => {
    const { subTask } = await large();
    const readers = new OutputReaders(server.db);
    const slow = Array.from({ length: 200 }, () => {
      const kept = { bytes: 0, leave: [] as (() => void)[] };
      const socket = {
        send(data: string, sent: () => void) {
          kept.bytes += Buffer.byteLength(data);
          kept.leave.push(sent);
        },
        close: () => undefined,
      };
      const log = createLogger({ logLevel: 'fatal' }, 'test');
      const follower = new LiveFollower({ log, readers }, { socket, wire: undefined, taskId: subTask, seq: 0 });
      return { kept, follower };
    });
    await eventually(() => slow.every(({ kept }) => kept.bytes > 0));
    const [first] = slow;
    // Only a reader who has consumed everything gets more.
    const had = first?.kept.bytes ?? 0;
    for (const sent of first?.kept.leave ?? []) sent();
    readers.wake(subTask);
    await eventually(() => (first?.kept.bytes ?? 0) > had);
    for (const { follower, kept } of slow) {
      follower.stop();
      expect(kept.bytes - (kept === first?.kept ? had : 0)).toBeLessThanOrEqual(unsentBytes);
    }
    expect(slow.reduce((sum, { kept }) => sum + kept.bytes, -had)).toBeLessThanOrEqual(budgetBytes);
  });

  test('are counted, and so is what waits for them', async () => {
    const measured = async (name: string): Promise<number> => {
      const text = await (await fetch(`http://${server.address}/metrics`)).text();
      return Number(new RegExp(`^slipway_live_${name} (.*)$`, 'm').exec(text)?.[1]);
    };
    const { url } = await large();
    await eventually(async () => (await measured('connections')) === 0);
    const socket = new WebSocket(url, { headers: as(estate.manager) });
    socket.once('open', () => socket.pause());
    await eventually(async () => (await measured('unsent_bytes')) > 0);
    expect(await measured('unsent_bytes')).toBeLessThanOrEqual(unsentBytes + 1024);
    expect(await measured('connections')).toBe(1);
    socket.terminate();
    await eventually(async () => (await measured('connections')) === 0);
  });

  test('one user has at most as many connections as the setting says: 429, and others have theirs', async () => {
    const { url, subTask } = await running();
    await write(subTask, 0, 1);
    const user = await server.user({ application: { [estate.applicationId]: ['view_app', 'view_app_log'] } });
    const most = server.config.liveConnections;
    const sockets = Array.from({ length: most + 5 }, () => new WebSocket(url, { headers: as(user) }));
    const ends = await Promise.all(
      sockets.map(async (socket) => {
        socket.on('error', () => undefined);
        const refused = once(socket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
        const closed = once(socket, 'close') as Promise<[number]>;
        const first = once(socket, 'message').then(() => 'reads');
        return Promise.race([first, refused.then(([, { statusCode }]) => statusCode), closed.then(([code]) => code)]);
      }),
    );
    const left = ends.filter((end) => end !== 'reads');
    expect(left).toHaveLength(5);
    for (const end of left) expect([429, 1013]).toContain(end);
    expect(await upgradeStatus(url, as(user))).toBe(429);
    expect(await upgradeStatus(url, as(estate.manager))).toBe(101);
    for (const socket of sockets) socket.terminate();
  });
});
