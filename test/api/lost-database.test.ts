// The database connection is lost in the middle of a request: the response tells the caller truthfully what became of the
// change.
import { sql } from 'kysely';
import { z } from 'zod';
import { accessEndpoints } from '../../api/access/index.ts';
import { change } from '../../api/operations/change.ts';
import { command } from '../../api/operations/command.ts';
import type { Ctx } from '../../api/operations/context.ts';
import { signedIn } from '../../api/operations/permissions.ts';
import { done, success } from '../../api/operations/schemas.ts';
import { connect } from '../../db/core/connect.ts';
import { freePort } from '../../embedded/ports.ts';
import { unique } from '../support/harness.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { testApp } from '../support/api/app.ts';
import type { TestApp, TestUser } from '../support/api/app.ts';

const operations: string[] = [];
const decide = command({
  method: 'post',
  path: '/decisions/',
  id: 'decide',
  area: 'test',
  summary: 'test',
  permission: signedIn,
  returns: success,
  async handle(_input, ctx) {
    operations.push(ctx.operationId);
    await ctx.db.selectFrom('roles').select('id').limit(1).execute();
    return done;
  },
});

const unable = {
  standby: (tx: Ctx['db']) => sql`set transaction read only`.execute(tx),
  slow: (tx: Ctx['db']) => sql`set local statement_timeout = 10`.execute(tx),
};
const remember = change({
  method: 'post',
  path: '/memories/',
  id: 'remember',
  area: 'test',
  summary: 'test',
  permission: signedIn,
  body: z.object({ name: z.string(), when: z.enum(['standby', 'slow']) }),
  returns: success,
  async handle({ body }, { tx }) {
    await unable[body.when](tx);
    await sql`with waited as materialized (select pg_sleep(0.2))
      insert into roles (name) select ${body.name} from waited`.execute(tx);
    return done;
  },
});

let t: TestApp;
let way: TcpProxy;
let manager: TestUser;
beforeAll(async () => {
  t = await testApp({}, { endpoints: [...accessEndpoints, decide, remember] });
  const url = new URL(t.database.url);
  way = new TcpProxy(await freePort(), url.host);
  await way.open();
  url.host = `127.0.0.1:${way.port}`;
  t.deps.db = connect(url.href, { max: 4, applicationName: 'test-lost' });
  manager = await t.user({ admin: true });
});
afterAll(async () => {
  await t.deps.db.destroy();
  await way.close();
  await t.close();
});
beforeEach(() => {
  operations.length = 0;
});

const key = () => ({ 'idempotency-key': unique() });
const unknown =
  'the database did not respond, so this may or may not have been done: check the result, or retry with the same Idempotency-Key';
const rolesNamed = (name: string) => t.db.selectFrom('roles').where('name', '=', name).select('id').execute();
const recordsOf = (id: unknown) =>
  t.db
    .selectFrom('auditRecords')
    .select('opType')
    .where('targetType', '=', 'role')
    .where('targetId', '=', Number(id))
    .execute();

describe('a lost connection', () => {
  test('before the commit arrives leaves the outcome unknown, and the change may be repeated', async () => {
    const [name, headers] = [unique(), key()];
    way.losing = { over: 'commit', when: 'before' };
    const answer = await manager.post('/roles/', { name }, headers);
    expect(answer).toMatchObject({ status: 503, body: { error_code: 10008, message: unknown } });
    expect(await rolesNamed(name)).toEqual([]);
    expect((await manager.post('/roles/', { name }, headers)).status).toBe(201);
  });

  test('in the middle of a change rolls it back, and the caller learns so', async () => {
    const name = unique();
    way.losing = { over: 'insert into "roles"', when: 'after' };
    expect(await manager.post('/roles/', { name })).toMatchObject({
      status: 503,
      body: { error_code: 10008, message: 'the database is unavailable; nothing was changed' },
    });
    expect(await rolesNamed(name)).toEqual([]);
  });

  test('after the commit leaves the outcome unknown as well; the same Idempotency-Key finds the result', async () => {
    const [name, headers] = [unique(), key()];
    way.losing = { over: 'commit', when: 'after' };
    const answer = await manager.post('/roles/', { name }, headers);
    expect(answer).toMatchObject({ status: 503, body: { error_code: 10008, message: unknown } });
    const again = await manager.post<{ id: number }>('/roles/', { name }, headers);
    expect(again.status).toBe(201);
    expect(await rolesNamed(name)).toEqual([{ id: again.body.id }]);
    expect(await recordsOf(again.body.id)).toHaveLength(1);
  });

  test('during a command leaves its outcome unknown, as the engine may have been called', async () => {
    way.losing = { over: 'from "roles" limit', when: 'after' };
    expect(await manager.post('/decisions/')).toMatchObject({ status: 503, body: { message: unknown } });
  });

  test('after a command does not hide its answer; a repetition is the same operation to the engine', async () => {
    const headers = key();
    way.losing = { over: 'update "idempotency_keys"', when: 'before' };
    const answers = [await manager.post('/decisions/', undefined, headers)];
    expect(way.losing).toBeUndefined();
    answers.push(await manager.post('/decisions/', undefined, headers));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(operations).toEqual([operations[0], operations[0]]);
  });
});

test.each(['standby', 'slow'] as const)(
  'to a database that cannot accept changes (%s) is reported as unavailable',
  async (when) => {
    const name = unique();
    expect(await manager.post('/memories/', { name, when })).toMatchObject({
      status: 503,
      body: { error_code: 10008, message: 'the database is unavailable; nothing was changed' },
    });
    expect(await rolesNamed(name)).toEqual([]);
  },
);
