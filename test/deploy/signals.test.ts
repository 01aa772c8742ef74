// Decisions by message, as a bot or the plain CLI sends them, and what an operator sees in the engine's own tools.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { signedInput } from '../../embedded/sign-decision.ts';
import { findTemporalCli } from '../../embedded/temporal-cli.ts';
import { createLogger } from '../../kit/log.ts';
import type { RequestState } from '../../workflows/approvals/contract.ts';
import { deployTaskWorkflowId, subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { searchAttributes } from '../../workflows/lib/search-attributes.ts';
import type { Attributes } from '../../workflows/lib/search-attributes.ts';
import { eventually, temporalAddress, unique } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, act, outcome, signed, traces, upgrade } from '../support/deploy/acts.ts';

const run = promisify(execFile);

let world: World;
let estate: TestEstate;
beforeAll(async () => {
  world = await testWorld();
  estate = await makeEstate(world, 1);
});
afterAll(() => world.close());

const handleOf = (id: number) => world.temporal.workflow.getHandle(deployTaskWorkflowId(id));
const statusOf = async (id: number): Promise<string> => (await taskOf(world, id)).status;
const stateOf = (id: number): Promise<RequestState> => handleOf(id).query<RequestState>('state');

const message = (actor: string, decision = 'approve') => ({ decision, actor, channel: 'chat', messageId: unique() });

const send = (id: number, content: unknown): Promise<void> =>
  handleOf(id).signal('decide', isMessage(content) ? signed(world, id, content) : content);

const isMessage = (content: unknown): content is object =>
  typeof content === 'object' && content !== null && 'messageId' in content;

const refusalsOf = async (id: number) => (await traces(world, id)).audit.filter((one) => one.outcome === 'refused');

/** Waits until a message is recorded as refused; returns that record. */
const refused = (id: number, count = 1) =>
  eventually(
    async () => {
      const found = await refusalsOf(id);
      return found.length >= count ? found : false;
    },
    { timeout: 10_000 },
  );

describe('a message', () => {
  test('of a permitted user approves, with its message and channel in the audit record', async () => {
    const id = await makeTask(world, estate);
    const content = message(estate.reviewer.username);
    await send(id, { ...content, reason: 'looks good' });
    await eventually(async () => (await statusOf(id)) === 'approved');
    const record = await world.db
      .selectFrom('auditRecords')
      .select(['operator', 'channel', 'messageId', 'outcome'])
      .where('messageId', '=', content.messageId)
      .execute();
    const { username: operator } = estate.reviewer;
    expect(record).toEqual([{ operator, channel: 'chat-ops', messageId: content.messageId, outcome: 'success' }]);
    expect((await traces(world, id)).events.at(-1)).toEqual({ event: 'approved', by: operator, reason: 'looks good' });
  });

  test('rejects and closes as well; the creator may close a task that they may not approve', async () => {
    const [rejected, closed] = [await makeTask(world, estate), await makeTask(world, estate)];
    await send(rejected, message(estate.reviewer.username, 'reject'));
    await send(closed, message(estate.manager.username, 'close'));
    await eventually(async () => (await statusOf(rejected)) === 'rejected');
    await eventually(async () => (await statusOf(closed)) === 'closed');
  });

  test('of the creator, a user without permission, an unknown or a disabled user has no effect', async () => {
    const id = await makeTask(world, estate);
    const before = await taskOf(world, id);
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    const disabled = await world.user({ admin: true });
    await world.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', disabled.id).execute();
    const actors = [estate.manager.username, viewer.username, 'nobody-known', disabled.username];
    for (const [index, actor] of actors.entries()) {
      await send(id, message(actor));
      const records = await refused(id, index + 1);
      expect(records.at(-1)).toMatchObject({ operator: actor, outcome: 'refused' });
    }
    expect(await taskOf(world, id)).toEqual(before);
    expect((await traces(world, id)).votes).toEqual([]);
  });

  test('that comes again has no effect and is recorded as refused', async () => {
    const id = await makeTask(world, estate, { level: 'S' });
    const content = message(estate.reviewer.username);
    await send(id, content);
    await eventually(async () => (await traces(world, id)).votes.length === 1);
    const other = await world.user({ application: { [estate.applicationId]: ['view_app', 'review_app_deploy_task'] } });
    await send(id, { ...content, actor: other.username });
    expect((await refused(id)).at(-1)?.detailEn).toContain('already processed');
    expect((await traces(world, id)).votes).toHaveLength(1);
    expect(await statusOf(id)).toBe('wait_review');
  });

  test('that is no decision is recorded as refused, and decisions go on', async () => {
    const id = await makeTask(world, estate);
    const good = message(estate.reviewer.username);
    const { messageId: _, ...anonymous } = good;
    const nonsense: unknown[] = [
      null,
      'approve',
      7,
      [],
      {},
      anonymous,
      { ...good, decision: 'aprove', messageId: unique() },
      { ...good, decision: 'start', messageId: unique() },
      { ...good, actor: 7, messageId: unique() },
      { ...good, reason: {}, messageId: unique() },
      { ...good, actor: 'a\0b', messageId: unique() },
      { ...good, actor: 'x'.repeat(100_000), messageId: '\0' },
    ];
    for (const [index, content] of nonsense.entries()) {
      await send(id, content);
      await refused(id, index + 1);
    }
    expect(await statusOf(id)).toBe('wait_review');
    await send(id, good);
    await eventually(async () => (await statusOf(id)) === 'approved');
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
    await eventually(async () => (await handleOf(id).describe()).status.name === 'COMPLETED', { timeout: 10_000 });
  });
});

describe('what the engine shows', () => {
  test('state tells who may act next, the votes and the history, in every phase', async () => {
    const id = await makeTask(world, estate);
    const { planHash } = await taskOf(world, id);
    expect(await stateOf(id)).toMatchObject({
      status: 'wait_review',
      owner: estate.manager.username,
      planHash,
      approvals: { required: 1, given: [] },
      waitingOn: { kind: 'votes' },
      children: [],
    });
    expect(outcome(await act(estate.reviewer, id, 'approve', { reason: 'fine' }))).toEqual([200, 0]);
    const approved = await stateOf(id);
    expect(approved).toMatchObject({
      status: 'approved',
      waitingOn: { kind: 'start', users: [estate.manager.username] },
    });
    expect(approved.approvals.given).toMatchObject([{ username: estate.reviewer.username, planHash }]);
    expect(approved.history).toMatchObject([{ event: 'approved', by: estate.reviewer.username, reason: 'fine' }]);
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
    expect(await stateOf(id)).toMatchObject({ status: 'closed', waitingOn: null });
  });

  test('search attributes and summaries name kind, status, application, creator and level', async () => {
    const id = await startedTask(world, estate, { version: '3.1.4' });
    const expected = { application: estate.name, creator: estate.manager.username, level: 'I' };
    await shown(deployTaskWorkflowId(id), { kind: 'deploy_task', status: 'running', ...expected });
    expect(await summaryOf(deployTaskWorkflowId(id))).toContain(`deploy ${estate.name} 3.1.4 (level I)`);
    const subTask = accepted(await upgrade(estate, id, { version: '3.1.4' }));
    const child = subTaskWorkflowId(id, 'upgrade', 1);
    await shown(child, { kind: 'sub_upgrade', status: 'running', ...expected });
    expect(await summaryOf(child)).toContain(`upgrade ${estate.name} to 3.1.4 on 1 instances`);
    await endedTask(world, subTask);
    await shown(child, { kind: 'sub_upgrade', status: 'finished', ...expected });
    await shown(deployTaskWorkflowId(id), { kind: 'deploy_task', status: 'finished', ...expected });
  });
});

const describeOf = (workflowId: string) => world.temporal.workflow.getHandle(workflowId).describe();

/** Waits until the engine shows exactly these search attributes. */
const shown = (workflowId: string, attributes: Attributes): Promise<true> =>
  eventually(
    async () => {
      const { typedSearchAttributes } = await describeOf(workflowId);
      const found = searchAttributes(attributes).map(({ key }) => typedSearchAttributes.get(key));
      expect(found).toEqual(searchAttributes(attributes).map(({ value }) => value));
      return true as const;
    },
    { timeout: 10_000 },
  );

async function summaryOf(workflowId: string): Promise<string> {
  const { raw } = await describeOf(workflowId);
  return Buffer.from(raw.executionConfig?.userMetadata?.summary?.data ?? []).toString('utf8');
}

test('the plain command line program sends a decision and reads the state', async () => {
  const cli = await findTemporalCli({
    dataDir: world.config.dataDir,
    cli: process.env.SLIPWAY_TEMPORAL_CLI,
    log: createLogger({ logLevel: 'silent' }, 'test'),
  });
  const id = await makeTask(world, estate);
  const at = ['--address', temporalAddress(), '--workflow-id', deployTaskWorkflowId(id)];
  const input = signedInput(['approve', String(id), '--as', estate.reviewer.username], world.config);
  await run(cli, ['workflow', 'signal', ...at, '--name', 'decide', '--input', input]);
  await eventually(async () => (await statusOf(id)) === 'approved');
  const { stdout } = await run(cli, ['workflow', 'query', ...at, '--type', 'state', '--output', 'json']);
  expect(stdout).toContain('approved');
  expect(stdout).toContain(estate.reviewer.username);
}, 120_000);
