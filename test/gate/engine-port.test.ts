// What reaches the engine's port without proof: every update and every signal of every workflow that takes them from
// outside is refused, recorded, and changes nothing.
import { globSync, readFileSync } from 'node:fs';
import { loadDecideKey, sealUpdate, signDecision } from '../../db/secrets/message-proofs.ts';
import type { Envelope } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { mountEngineUi } from '../../api/engine/engine-ui.ts';
import { eventually, temporalUiUrl, unique } from '../support/harness.ts';
import { makeEstate, makeTask, packagePath, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TaskWish, TestEstate, World } from '../support/world.ts';
import { act, outcome, signed, traces } from '../support/deploy/acts.ts';

let world: World;
let estate: TestEstate;
beforeAll(async () => {
  world = await testWorld({ logLevel: 'fatal' });
  estate = await makeEstate(world, 1);
});
afterAll(() => world.close());

const handleOf = (id: number) => world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
const stateOf = async (id: number) => ({
  task: await taskOf(world, id),
  ...(await traces(world, id)),
  audit: (await traces(world, id)).audit.filter((one) => one.outcome !== 'refused'),
  delegations: await world.db.selectFrom('delegations').selectAll().where('requestId', '=', id).execute(),
  subTasks: await world.db.selectFrom('tasks').select('id').where('deployTaskId', '=', id).execute(),
});
const refusalsOf = async (id: number) => (await traces(world, id)).audit.filter((one) => one.outcome === 'refused');

const person = (user: { id: number; username: string }) => ({
  id: user.id,
  username: user.username,
  channel: 'token' as const,
});
const rolling = { strategy: { mode: 'rolling', batch_size: 1, pause_seconds: 3600 } };
const subTask = () => ({
  actor: person(estate.manager),
  instanceIds: estate.instanceIds,
  version: '1.0.0',
  updateSource: packagePath('1.0.0'),
  timeoutSeconds: 60,
});

interface Case {
  /** A task in the state in which the update would be taken. */
  task(): Promise<number>;
  input(): Promise<object> | object;
}

const updates: Record<string, Case> = {
  approve: {
    task: () => makeTask(world, estate),
    input: () => ({
      actor: person(estate.reviewer),
      voter: { roles: [], holds: true, delegators: [], seats: [{ userId: estate.reviewer.id, roles: [] }] },
    }),
  },
  reject: { task: () => makeTask(world, estate), input: () => ({ actor: person(estate.reviewer) }) },
  close: { task: () => makeTask(world, estate), input: () => ({ actor: person(estate.reviewer) }) },
  delegate: {
    task: () => makeTask(world, estate),
    input: async () => {
      const { id, username } = await world.user();
      return { actor: person(estate.reviewer), userId: id, username };
    },
  },
  start: {
    task: () => makeTask(world, estate, { level: 'I' }),
    input: () => ({ actor: person(estate.manager), force: true }),
  },
  change: {
    task: () => makeTask(world, estate),
    input: () => ({ actor: person(estate.manager), fields: { level: 'I', description: 'mine' } }),
  },
  upgrade: { task: () => running(), input: subTask },
  revert: { task: () => running(), input: () => ({ ...subTask(), updateSource: null }) },
  pause: { task: () => running(rolling), input: () => ({ actor: person(estate.manager) }) },
  resume: {
    task: async () => {
      const id = await running(rolling);
      expect(outcome(await act(estate.manager, id, 'pause'))).toEqual([200, 0]);
      return id;
    },
    input: () => ({ actor: person(estate.manager) }),
  },
};

/** A running task of an application of its own. */
async function running(wish: TaskWish = {}): Promise<number> {
  estate = await makeEstate(world, 2);
  const id = await startedTask(world, estate, wish);
  if ('strategy' in wish)
    await eventually(async () => (await taskOf(world, id)).nextBatchTime !== null, { timeout: 60_000 });
  return id;
}

test('the tables name every update and signal that a workflow takes from outside', () => {
  const text = globSync('workflows/**/*.ts')
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const named = (what: string): string[] =>
    [...text.matchAll(new RegExp(`define${what}(?:<[^(]*>)?\\('(\\w+)'\\)`, 'g'))].map(([, name = '']) => name).sort();
  // Of `cancel`, of tasks on hosts, test/hosts/cancel.test.ts tells the same; of those of resource requests, `retry` among
  // them, test/requests/lifecycle.test.ts.
  expect([...new Set(named('Update'))]).toEqual([...Object.keys(updates), 'cancel', 'retry'].sort());
  // `reconsider` says nothing: a task looks again. The lanes go between a workflow and its own children.
  expect(named('Signal')).toEqual(['decide', 'laneFree', 'moreLanes', 'reconsider']);
});

describe.each(Object.entries(updates))('the update %s', (name, { task, input }) => {
  let id: number;
  let sent: object;
  beforeAll(async () => {
    id = await task();
    sent = await input();
  }, 120_000);

  const envelope = (updateId: string, more: { workflowId?: string; update?: string; input?: object } = {}) =>
    sealUpdate(
      world.deps.secrets,
      { workflowId: deployTaskWorkflowId(id), update: name, updateId, input: sent, ...more },
      new Date(),
    );
  const forged: [string, (updateId: string) => Partial<Envelope> | null | undefined][] = [
    ['without an envelope', () => undefined],
    ['with an empty one', () => null],
    ['with one that is made up', () => ({ at: new Date().toISOString(), mac: 'a'.repeat(64) })],
    ['with that of another workflow', (updateId) => envelope(updateId, { workflowId: deployTaskWorkflowId(id + 1) })],
    ['with that of another update', (updateId) => envelope(updateId, { update: 'reconsider' })],
    ['with that of another call', () => envelope(unique())],
    [
      'with that of another actor',
      (updateId) => envelope(updateId, { input: { ...sent, actor: { id: 1, username: 'admin', channel: 'token' } } }),
    ],
    [
      'with one from yesterday',
      (updateId) => ({ ...envelope(updateId), at: new Date(Date.now() - 86_400_000).toISOString() }),
    ],
  ];

  test('is refused without proof and recorded, and has no effect', async () => {
    const before = await stateOf(id);
    for (const [index, [how, proofOf]] of forged.entries()) {
      const updateId = unique();
      const proof = proofOf(updateId);
      const args: [object] = [proof === undefined ? sent : { ...sent, proof }];
      const answer = handleOf(id).executeUpdate(name, { args, updateId });
      await expect(answer.then(() => how)).rejects.toMatchObject({
        cause: { message: 'not allowed: this message carries no valid proof of its sender' },
      });
      const refusals = await refusalsOf(id);
      expect([how, refusals.length]).toEqual([how, index + 1]);
      expect(refusals.at(-1)).toMatchObject({ operator: 'unknown', outcome: 'refused' });
      expect(refusals.at(-1)?.detailEn).toContain(`update ${name} of`);
    }
    expect(await stateOf(id)).toEqual(before);
  }, 120_000);

  test('is taken with the envelope that the API seals', async () => {
    const updateId = unique();
    const proof = envelope(updateId);
    const [answer] = await Promise.allSettled([
      handleOf(id).executeUpdate(name, { args: [{ ...sent, proof }], updateId }),
    ]);
    // What is refused now is refused for what it asks.
    if (answer.status === 'rejected') expect(JSON.stringify(answer.reason)).not.toContain('does not prove');
    if (name !== 'revert') expect(answer.status).toBe('fulfilled');
  }, 120_000);
});

describe('the signal decide', () => {
  const decision = (more: object = {}) => ({
    decision: 'approve',
    actor: estate.reviewer.username,
    channel: 'chat',
    messageId: unique(),
    ...more,
  });

  test('is refused without proof, with another key, and with the proof of another message, and has no effect', async () => {
    estate = await makeEstate(world, 1);
    const id = await makeTask(world, estate);
    const before = await stateOf(id);
    const honest = decision();
    const { proof } = signed(world, id, honest);
    const withKey = (key: string, workflowId = deployTaskWorkflowId(id)) => ({
      ...honest,
      proof: signDecision(key, workflowId, honest as Parameters<typeof signDecision>[2]),
    });
    const key = loadDecideKey(world.config) ?? '';
    const forged: object[] = [
      honest,
      { ...honest, proof: '' },
      { ...honest, proof: 7 },
      { ...honest, proof: 'a'.repeat(64) },
      withKey('another key'),
      withKey(key, deployTaskWorkflowId(id + 1)),
      { ...honest, decision: 'close', proof },
      { ...honest, actor: estate.manager.username, proof },
      { ...honest, channel: 'cli', proof },
      { ...honest, messageId: unique(), proof },
      { ...honest, planHash: 'a'.repeat(64), proof },
      { ...honest, actor: `${honest.actor}\nchat`, channel: '', proof },
    ];
    for (const [index, message] of forged.entries()) {
      await handleOf(id).signal('decide', message);
      await eventually(async () => (await refusalsOf(id)).length === index + 1, { timeout: 20_000 });
    }
    expect(await stateOf(id)).toEqual(before);
    // What was forged has not used up the message of the honest one.
    await handleOf(id).signal('decide', { ...honest, proof });
    await eventually(async () => (await taskOf(world, id)).status === 'approved', { timeout: 20_000 });
  }, 120_000);
});

describe('the engine’s pages', () => {
  const pages = (uiUrl = temporalUiUrl()): Hono => {
    const app = new Hono();
    mountEngineUi(app, world.deps, uiUrl);
    return app;
  };
  const as = (token: string) => ({ authorization: `Token ${token}` });
  const origin = { origin: 'http://localhost' };

  test('are for holders of use_engine_ui, with all that belongs to them', async () => {
    const [user, holder] = [await world.user(), await world.user({ system: ['use_engine_ui'] })];
    const app = pages();
    expect((await app.request('/engine/')).status).toBe(401);
    expect((await app.request('/engine/', { headers: as(user.token) })).status).toBe(403);
    expect((await app.request('/engine/api/v1/namespaces', { headers: as(user.token) })).status).toBe(403);
    const page = await app.request('/engine/', { headers: as(holder.token) });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    const [, asset = ''] = /(?:src|href|import\()="?'?(\/engine\/_app\/[^"']+\.js)/.exec(await page.text()) ?? [];
    expect(asset).toContain('/engine/_app/');
    expect((await app.request(asset)).status).toBe(401);
    const script = await app.request(asset, { headers: as(holder.token) });
    expect([script.status, script.headers.get('content-type')]).toEqual([200, expect.stringContaining('javascript')]);
    const list = await app.request('/engine/api/v1/namespaces', { headers: as(holder.token) });
    expect([list.status, await list.text()]).toEqual([200, expect.stringContaining('"default"')]);
  }, 60_000);

  test('get nothing of our sessions and tokens, and give none of their cookies but their own protection', async () => {
    const seen: Record<string, unknown>[] = [];
    const upstream = createServer((request, response) => {
      seen.push({ ...request.headers, method: request.method });
      response.setHeader('set-cookie', ['_csrf=own; Path=/', 'slipway_session=planted; Path=/']);
      response.end('ok');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const app = pages(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
    const holder = await world.user({ system: ['use_engine_ui'] });
    const headers = { ...as(holder.token), cookie: 'slipway_session=secret; _csrf=own' };
    const answer = await app.request('/engine/', { headers });
    expect(answer.headers.getSetCookie()).toEqual(['_csrf=own; Path=/']);
    const post = (more: Record<string, string>) =>
      app.request('/engine/api/v1/x', {
        method: 'POST',
        body: '{}',
        headers: { ...headers, ...more, 'content-length': '2' },
      });
    expect((await post({})).status).toBe(403);
    expect((await post(origin)).status).toBe(200);
    upstream.closeAllConnections();
    upstream.close();
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'POST']);
    for (const one of seen) {
      expect(one['cookie']).toBe('_csrf=own');
      expect(one['authorization']).toBeUndefined();
    }
    const records = await world.db
      .selectFrom('auditRecords')
      .select('detailEn')
      .where('operator', '=', holder.username)
      .where('area', '=', 'engine' as never)
      .execute();
    expect(records).toEqual([{ detailEn: expect.stringContaining('POST /engine/api/v1/x') as string }]);
  }, 60_000);
});
