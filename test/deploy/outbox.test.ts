// The engine is away: tasks are accepted and begin when it is back; what it would have to decide changes nothing.
import { startWorker } from '../../activities/worker.ts';
import type { RunningWorker } from '../../activities/worker.ts';
import { freePort } from '../../embedded/ports.ts';
import { createLogger } from '../../kit/log.ts';
import { eventually, temporalAddress } from '../support/harness.ts';
import { makeEstate, packagePath, placePackage, quietRuntime, taskOf } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { act, outcome, traces } from '../support/deploy/acts.ts';
import { ownServer } from '../support/deploy/server.ts';
import type { Server } from '../support/deploy/server.ts';

let way: TcpProxy;
let server: Server;
let estate: TestEstate;
let worker: RunningWorker | undefined;
beforeAll(async () => {
  way = new TcpProxy(await freePort(), temporalAddress());
  server = await ownServer(`127.0.0.1:${way.port}`);
  estate = await makeEstate(server, 1);
  quietRuntime();
  const at = { databaseUrl: server.database.url, temporalAddress: temporalAddress() };
  worker = await startWorker(server.config, createLogger({ logLevel: 'fatal' }, 'test'), at);
});
afterAll(async () => {
  await worker?.stop();
  await way.close();
  await server.close();
});

async function create(): Promise<number> {
  const { status, body } = await estate.manager.post<{ id: number }>('/application/deploy-tasks/', {
    application_id: estate.applicationId,
    version: '1.0.0',
    level: 'A',
    package_source: packagePath('1.0.0'),
    planned_exec_time: 0,
  });
  expect([status, body]).toMatchObject([201, { message: 'success', status: 'wait_review' }]);
  return body.id;
}

const outboxRows = async (): Promise<number> => (await server.db.selectFrom('outbox').select('id').execute()).length;

test('a task created while the engine is away is accepted, cannot be decided, and begins when it is back', async () => {
  await placePackage(server, estate, '1.0.0');
  const id = await create();
  expect(await outboxRows()).toBe(1);
  const before = await taskOf(server, id);
  const answer = await act(estate.reviewer, id, 'approve');
  expect(outcome(answer)).toEqual([503, 10008]);
  expect(await taskOf(server, id)).toEqual(before);
  const { votes, events } = await traces(server, id);
  expect([votes, events.map(({ event }) => event)]).toEqual([[], ['created']]);
  await way.open();
  await eventually(async () => (await taskOf(server, id)).planHash !== null, { timeout: 40_000 });
  await eventually(async () => (await outboxRows()) === 0, { timeout: 20_000 });
  expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([200, 0]);
  expect((await traces(server, id)).votes).toHaveLength(1);
}, 90_000);

test('a way that breaks in between is found again', async () => {
  const id = await create();
  await eventually(async () => (await taskOf(server, id)).planHash !== null, { timeout: 20_000 });
  await way.close();
  expect(outcome(await act(estate.reviewer, id, 'approve'))).toEqual([503, 10008]);
  expect(await taskOf(server, id)).toMatchObject({ status: 'wait_review' });
  const during = await create();
  await way.open();
  await eventually(async () => (await taskOf(server, during)).planHash !== null, { timeout: 40_000 });
  await eventually(async () => outcome(await act(estate.reviewer, id, 'approve'))[0] === 200, { timeout: 20_000 });
  expect((await traces(server, id)).votes).toHaveLength(1);
}, 90_000);
