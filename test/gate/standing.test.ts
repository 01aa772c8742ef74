// What must go on standing: nothing is deleted by a wrong clock, the log of refusals does not grow by walking, filters tell
// nothing that answers hide, a database that hangs and a log that cannot be written take nothing down with them.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createApp } from '../../api/app.ts';
import { endpoints } from '../../api/areas.ts';
import { filterRights } from '../../api/operations/filter-rights.ts';
import { mountHealth } from '../../api/system/health.ts';
import { createMetrics, mountMetrics } from '../../api/system/metrics.ts';
import { startHousekeeping } from '../../api/background/housekeeping.ts';
import { recordRefusal, tellRefusalCounts } from '../../db/audit/refusals.ts';
import { isChainBroken } from '../../db/audit/verifications.ts';
import { connect } from '../../db/core/connect.ts';
import type { Renderer } from '../../db/deploy/plan.ts';
import { renderApart } from '../../db/deploy/render-apart.ts';
import { json } from '../../db/core/jsonb.ts';
import { isUnavailable } from '../../db/core/sql-state.ts';
import { createPlaces } from '../../kit/places.ts';
import { memoryHolders } from '../../embedded/postgres-memory.ts';
import { root, sourceTree } from '../house/source-tree.ts';
import { readFileSync } from 'node:fs';
import { eventually, unique } from '../support/harness.ts';
import { makeApplication, testApp, type TestApp } from '../support/api/app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp({ engine: { ping: () => Promise.resolve() } as never });
});
afterAll(() => t.close());

const dayMs = 86_400_000;

describe('what is kept for a time', () => {
  const log = { warn: jest.fn(), error: jest.fn() };
  const keep = async (now?: () => number): Promise<void> => {
    const loop = startHousekeeping(t.db, { outputRetentionDays: 30 }, log, now);
    await loop.stop();
  };
  /** Rate events and sessions that ended so many days ago. */
  async function endedDaysAgo(...days: number[]): Promise<void> {
    const { id: userId } = await t.user();
    for (const n of days) {
      const expiresTime = new Date(Date.now() - n * dayMs);
      const whose = { idHash: Buffer.from(unique()), csrfToken: '', userId, remoteAddr: null, userAgent: null };
      await t.db
        .insertInto('sessions')
        .values({ ...whose, expiresTime })
        .execute();
    }
  }
  const sessions = async (): Promise<number> => (await t.db.selectFrom('sessions').select('id').execute()).length;
  const anHourLater = () =>
    t.db
      .updateTable('deletionWindows')
      .set({ takenTime: sql`taken_time - interval '1 hour'` })
      .execute();

  test.each([300 * dayMs, -300 * dayMs, 61_000])('stays, with an alarm, when clocks differ by %i ms', async (ahead) => {
    await endedDaysAgo(40);
    const before = await sessions();
    await keep(() => Date.now() + ahead);
    expect(await sessions()).toBe(before);
    expect(log.error).toHaveBeenCalledWith(
      { skewSeconds: expect.any(Number), databaseTime: expect.any(String) },
      expect.any(String),
    );
    log.error.mockClear();
    await t.db.deleteFrom('sessions').execute();
  });

  test('goes by a day of the oldest an hour, however many processes and rounds there are', async () => {
    await endedDaysAgo(10, 9.5, 8, 3, 2.5);
    await Promise.all([keep(), keep()]);
    await keep();
    expect(await sessions()).toBe(3);
    await anHourLater();
    await keep();
    expect(await sessions()).toBe(2);
    await anHourLater();
    await keep();
    await keep();
    expect(await sessions()).toBe(0);
    expect(log.error).not.toHaveBeenCalled();
    expect(log.warn).not.toHaveBeenCalled();
  });
});

test('who is refused again and again, whatever it is about, fills the log with a hundred records and a count', async () => {
  const by = {
    id: 1,
    username: `walker-${unique()}`,
    channel: 'token' as const,
    remoteAddr: null,
    requestId: null,
    tokenId: null,
  };
  for (let n = 1; n <= 130; n += 1)
    await recordRefusal(t.db, by, {
      view: 'host',
      area: 'hosts',
      opType: 'update',
      targetType: 'host',
      targetId: n,
      detail: { en: 'Restart a host: not allowed', zh: '没有权限' },
    });
  const written = () =>
    t.db
      .selectFrom('auditRecords')
      .where('operator', '=', by.username)
      .select(['targetId', 'detailEn'])
      .orderBy('id', 'desc')
      .execute();
  expect(await written()).toHaveLength(100);
  await t.db
    .updateTable('auditRefusals')
    .set({ since: sql`now() - interval '61 minutes'` })
    .execute();
  await tellRefusalCounts(t.db);
  const all = await written();
  expect(all).toHaveLength(101);
  expect(all[0]).toEqual({
    targetId: null,
    detailEn: 'Restart a host: not allowed (30 more times within the hour, of others too)',
  });
});

test.each([
  ['/productions/', 'app', 'add'],
  ['/application/deploy-scripts/', 'operations', 'create'],
  ['/application/deploy-templates/', 'operations', 'create'],
  ['/application/deploy-freezes/', 'app', 'change_deploy_setting'],
  ['/applications/', 'app', 'add'],
  ['/hosts/', 'host', 'add'],
  ['/users/', 'operations', 'create'],
])('a refused POST %s is recorded where what it attempts would be: %s, %s', async (path, view, opType) => {
  const user = await t.user();
  expect((await user.post(path, {})).status).toBe(403);
  const found = t.db.selectFrom('auditRecords').where('operator', '=', user.username);
  expect(await found.select(['view', 'opType', 'outcome']).execute()).toEqual([{ view, opType, outcome: 'refused' }]);
});

describe('filters', () => {
  const lists = endpoints.filter(({ query }) => 'page' in query.shape);
  const filtersOf = (names: string[]): string[] =>
    names.filter((name) => name !== 'page' && name !== 'page_size').sort();

  test('each say in one table what they need', () => {
    const served = lists.map(({ id, query }) => [id, filtersOf(Object.keys(query.shape))] as const);
    const listed = lists.map(({ id }) => [id, Object.keys(filterRights[id] ?? {}).sort()] as const);
    expect(listed).toEqual(served);
    expect(Object.keys(filterRights).filter((id) => !lists.some((one) => one.id === id))).toEqual([]);
  });

  const guarded = lists.flatMap((one) =>
    Object.entries(filterRights[one.id] ?? {})
      .filter(([, right]) => right !== 'shown' && right !== 'application')
      .map(([name]) => [one.id, name, one.path] as const),
  );
  const values: Record<string, string> = { role: '1', status: 'disabled' };

  test.each(guarded)('%s by %s needs view_user', async (id, name, path) => {
    const app = await makeApplication(t.db);
    const [without, holder] = [
      await t.user({ application: { [app]: ['view_app'] } }),
      await t.user({ application: { [app]: ['view_app'] }, system: ['view_user'] }),
    ];
    const value = id === 'listUsers' ? (values[name] ?? 'x') : 'somebody-else';
    const address = `${path.replace('{id}', String(app))}?${name}=${value}`;
    expect((await without.get(address)).status).toBe(403);
    expect((await holder.get(address)).status).toBe(200);
    if (name === 'user')
      expect((await without.get(`${path.replace('{id}', String(app))}?user=${without.username}`)).status).toBe(200);
  });

  test('that name an application which is not shown match nothing, as if there were none', async () => {
    const hidden = await makeApplication(t.db);
    const user = await t.user({ application: { [await makeApplication(t.db)]: ['view_app'] } });
    for (const one of lists.filter(({ id }) => Object.values(filterRights[id] ?? {}).includes('application'))) {
      const [name] = Object.entries(filterRights[one.id] ?? {}).find(([, right]) => right === 'application') ?? [];
      expect(await user.get(`${one.path}?${name}=${hidden}`)).toMatchObject({
        status: 200,
        body: { count: 0, results: [] },
      });
    }
  });
});

test('a result of a verification that the database alone has written silences nothing', async () => {
  const { secrets } = t.deps;
  const result = json({});
  await t.db.insertInto('auditVerifications').values({ ok: false, whole: true, result, mac: null }).execute();
  for (const mac of [null, '', '0'.repeat(64)])
    await t.db.insertInto('auditVerifications').values({ ok: true, whole: true, result, mac }).execute();
  expect(await isChainBroken(t.db, secrets)).toBe(true);
});

describe('readiness', () => {
  const mounted = (db = t.db) => {
    const deps = { ...t.deps, db };
    const app = createApp(deps);
    mountMetrics(app, deps, createMetrics(deps));
    mountHealth(app, deps);
    return app;
  };

  test('says that nothing can be written while the disk of the database is full', async () => {
    const app = mounted();
    expect(await (await app.request('/readyz')).text()).toContain('writes: ok');
    await sql`create function refuse_writes() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file' using errcode = '53100'; end $$`.execute(t.database.owner);
    await sql`create trigger full_disk before insert on write_probes execute function refuse_writes()`.execute(
      t.database.owner,
    );
    const full = await app.request('/readyz');
    expect([full.status, await full.text()]).toEqual([503, expect.stringContaining('writes: failed')]);
    await sql`drop trigger full_disk on write_probes`.execute(t.database.owner);
    expect((await app.request('/readyz')).status).toBe(200);
    expect(await t.db.selectFrom('deletionWindows').select('kind').where('kind', '=', 'none').execute()).toEqual([]);
  });

  test('carries an id, a policy and its type, like all that is beside the operations', async () => {
    const app = mounted();
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const { headers } = await app.request(path, { headers: { 'x-request-id': 'mine' } });
      expect([headers.get('x-request-id'), headers.get('x-content-type-options')]).toEqual(['mine', 'nosniff']);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  test('is told in time by a database that takes what it is asked and never answers', async () => {
    const silent = await silentServer();
    const db = connect(silent.url, { max: 2, applicationName: 'test', queryTimeoutMs: 300 });
    const answer = await mounted(db).request('/readyz');
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('database: failed')]);
    silent.close();
    await db.destroy();
  });
});

test('a database that does not greet is given up by the connection itself, long before the wait for a place ends', async () => {
  const silent = await silentServer();
  const db = connect(silent.url, { max: 1, applicationName: 'test' });
  const refused: unknown = await sql`select 1`.execute(db).catch((error: unknown) => error);
  expect([isUnavailable(refused), (refused as Error).message]).toEqual([true, 'timeout expired']);
  silent.close();
  await db.destroy();
});

/** A server that accepts connections and says nothing. */
async function silentServer(): Promise<{ url: string; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://x:y@127.0.0.1:${port}/z`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('a statement that is not answered in time is unavailable, and its connection is not reused', async () => {
  const db = connect(t.database.url, { max: 1, applicationName: 'test-late', queryTimeoutMs: 200 });
  const late: unknown = await sql`select pg_sleep(20)`.execute(db).catch((error: unknown) => error);
  expect(isUnavailable(late)).toBe(true);
  expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
  await db.destroy();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test-late'`.execute(
    t.database.owner,
  );
});

test('a process goes on when its log cannot be written', async () => {
  const script = `
    import { createLogger } from '${join(root, 'kit/log.ts')}';
    const log = createLogger({ logLevel: 'info' }, 'api');
    for (let n = 0; n < 3; n += 1) log.info({ n }, 'a line');
    console.error('a line');
    await new Promise((resolve) => setImmediate(resolve));
    process.exit(7);`;
  const child = spawn('sh', [
    '-c',
    `"$0" --input-type=module -e "$1" > /dev/full 2> /dev/full`,
    process.execPath,
    script,
  ]);
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(7);
});

test('of much that wants to be done at once no more than its places is, and all of it in the end', async () => {
  const places = createPlaces(2);
  const waiting: (() => void)[] = [];
  const done: number[] = [];
  const all = [1, 2, 3, 4].map((n) =>
    places(async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      done.push(n);
      if (n === 1) throw new Error('failed');
    }).catch(() => undefined),
  );
  for (let n = 0; n < 4; n += 1) {
    await eventually(() => waiting.length > n);
    expect(waiting.length - done.length).toBeLessThanOrEqual(2);
    waiting[n]?.();
  }
  await Promise.all(all);
  expect(done).toEqual([1, 2, 3, 4]);
});

test('no operation has a template rendered, or another process work, while its transaction is open', () => {
  const api = sourceTree().filter(({ path }) => path.startsWith('api/') && path !== 'api/operations/context.ts');
  const open = api.flatMap(({ path }) => {
    const text = readFileSync(join(root, path), 'utf8');
    const pieces = text.split(
      /\n(?=(?:export )?(?:async )?(?:function|const) )|\n(?= {2}(?:async )?(?:prepare|handle)\b)/,
    );
    return pieces
      .filter((piece) => {
        const inside =
          /^ {2}(?:async )?handle\b/.test(piece) || /\b(?:ctx|\w+): ChangeCtx\b|\btx: Transaction\b/.test(piece);
        return inside && /\bjinja\b|\brendererOf\(|\bcomposePlan\(|\bspawn\(|\bexecFile\(/.test(piece);
      })
      .map((piece) => `${path}: ${piece.slice(0, 60)}`);
  });
  expect(open).toEqual([]);
});

test('what a worker renders for a transaction is rendered between two of them, and no activity leaves that out', async () => {
  const seen: [open: number, items: number][] = [];
  let open = 0;
  const renderer: Renderer = {
    renderAll: (items) => {
      seen.push([open, items.length]);
      return Promise.resolve(items.map(({ template }) => ({ text: template.toUpperCase() })));
    },
    hostPath: (_host, path) => path,
    hostRules: t.deps.config.hostRules,
    reach: { sshPort: 22, worker: 'worker' },
  };
  const item = (template: string) => ({ template, context: {}, language: 'bash' as const, free: [] });
  const begun = () => t.db.selectFrom('rateEvents').where('key', '=', 'rendered').select('key').execute();
  const texts = await renderApart(renderer, (known) =>
    t.db.transaction().execute(async (tx) => {
      open += 1;
      await tx.insertInto('rateEvents').values({ key: 'rendered' }).execute();
      const rendered = known.renderAll([item('a'), item('b')], 1_000);
      return rendered.finally(() => (open -= 1));
    }),
  );
  expect(texts).toEqual([{ text: 'A' }, { text: 'B' }]);
  expect(seen).toEqual([[0, 2]]);
  expect(await begun()).toHaveLength(1);
  const activities = sourceTree().filter(({ path }) => path.startsWith('activities/'));
  const bare = activities.flatMap(({ path }) => {
    const text = readFileSync(join(root, path), 'utf8');
    const calls = [...text.matchAll(/(.{0,60})\b(?:createSubTask|recordChange)\(\s*db\b/gs)];
    return calls.filter(([, before = '']) => !/renderApart\(renderer, \(known\) =>\s*$/.test(before)).map(() => path);
  });
  expect(bare).toEqual([]);
  const inTransaction = sourceTree().flatMap(({ path }) => {
    const text = /^(?:db|activities)\//.test(path) ? readFileSync(join(root, path), 'utf8') : '';
    const pieces = text.split(/\n(?=(?:export )?(?:async )?(?:function|const) )/);
    const outside = /\.renderAll\(|\.checkSyntax\(|\bspawn\(|\bexecFile\(|\bfetch\(|\brunner\.\w+\(/;
    return pieces
      .filter(
        (piece) =>
          /transaction\(\)|\binTransaction\(|\btx: (?:Transaction|Kysely)\b/.test(piece) && outside.test(piece),
      )
      .map((piece) => `${path}: ${piece.slice(0, 60)}`);
  });
  expect(inTransaction).toEqual([]);
});

test('who holds the memory of a server that is gone is counted', () => {
  const pidFile = ['41', '/data', '1', '5432', '', '127.0.0.1', '  1234567        32769', 'ready'].join('\n');
  const table = (attached: number) =>
    `       key      shmid perms                  size  cpid  lpid nattch   uid\n   1234567      32769   600 56 41 41 ${attached} 0\n`;
  expect([memoryHolders(pidFile, table(3)), memoryHolders(pidFile, table(0)), memoryHolders('41', table(3))]).toEqual([
    3, 0, 0,
  ]);
});
