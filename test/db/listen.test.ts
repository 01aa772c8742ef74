import { sql } from 'kysely';
import { createListener, type Listener } from '../../db/coordination/listen.ts';
import { eventually, testDatabase, type TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));
afterAll(() => database.close());

const listeners: Listener[] = [];

function listenOn(url: string, warn: jest.Mock): Listener {
  const listener = createListener(url, { warn });
  listeners.push(listener);
  return listener;
}

const notify = (channel: string, payload: string) => sql`select pg_notify(${channel}, ${payload})`.execute(database.db);
const sessions = async () =>
  (
    await sql<{ pid: number }>`select pid from pg_stat_activity
      where application_name = 'slipway-listen' and datname = current_database()`.execute(database.db)
  ).rows;

test('a lost connection is replaced, and every handler is called as it may have missed a notification', async () => {
  const warn = jest.fn();
  const listener = listenOn(database.url, warn);
  const heard: (string | null)[] = [];
  const other: (string | null)[] = [];
  listener.on('One', (payload) => void heard.push(payload));
  listener.on('two', (payload) => void other.push(payload));
  await listener.ready();
  await notify('One', 'a');
  await eventually(() => expect(heard).toEqual([null, 'a']));
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'slipway-listen'
    and datname = current_database()`.execute(database.db);
  await eventually(() => expect(heard).toEqual([null, 'a', null]));
  await notify('One', 'b');
  await eventually(() => expect(heard).toEqual([null, 'a', null, 'b']));
  expect(other).toEqual([null, null]);
  expect(warn).toHaveBeenCalled();
  expect(await sessions()).toHaveLength(1);
  await listener.close();
});

test('all channels share one connection; a handler that fails harms no other; off ends it', async () => {
  const warn = jest.fn();
  const listener = listenOn(database.url, warn);
  const heard: (string | null)[] = [];
  listener.on('one', () => Promise.reject(new Error('handler')));
  listener.on('one', () => {
    throw new Error('handler');
  });
  const off = listener.on('one', (payload) => void heard.push(payload));
  const offTwo = listener.on('two', (payload) => void heard.push(payload));
  await listener.ready();
  expect(await sessions()).toHaveLength(1);
  offTwo();
  await notify('two', 'not heard');
  await notify('one', 'x');
  await eventually(() => expect(heard).toEqual([null, null, 'x']));
  off();
  await notify('one', 'y');
  await eventually(() => expect(warn).toHaveBeenCalledTimes(6));
  expect(heard).toEqual([null, null, 'x']);
  await listener.close();
});

test('an unreachable database is retried until close, without ending the process', async () => {
  const warn = jest.fn();
  const listener = listenOn('postgres://nobody:secret@127.0.0.1:1/none', warn);
  listener.on('one', () => undefined);
  await eventually(() => expect(warn.mock.calls.length).toBeGreaterThan(1));
  await listener.close();
  expect(JSON.stringify(warn.mock.calls)).not.toContain('secret');
});
