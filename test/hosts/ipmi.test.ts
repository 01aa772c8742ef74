// Physical hosts whose IPMI access was set by the API, powered by the worker's own driver and the program `ipmitool`.
import { randomBytes } from 'node:crypto';
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import { ipmiPurpose } from '../../db/hosts/ipmi.ts';
import { json } from '../../db/core/jsonb.ts';
import { createSecrets } from '../../db/secrets/secrets.ts';
import { hostTaskWorkflowId } from '../../workflows/hosts/contract.ts';
import type { TestUser } from '../support/api/app.ts';
import { created, type Host } from '../support/api/inventory.ts';
import { ipmiControllers } from '../support/doubles/ipmi-controllers.ts';
import type { Controller } from '../support/doubles/ipmi-controllers.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { endedHostTask, hostRow, taskIdOf } from '../support/hosts/fleet.ts';

const password = 'hush-4711';
const controllers = ipmiControllers();
const minions = createMemoryWorld();
let world: World;
let admin: TestUser;
beforeAll(async () => {
  world = await testWorld({
    env: { SLIPWAY_IPMI: 'on', SLIPWAY_IPMITOOL: controllers.program, SLIPWAY_HOST_SILENCE_SECONDS: '1' },
    settings: { saltUrl: 'http://salt.example.com' },
    providers: { runners: { salt: createMemoryRunner(minions) } },
  });
  admin = await world.user({ admin: true });
}, 60_000);
afterAll(async () => {
  await world.close();
  controllers.close();
}, 60_000);

/** A physical host, made by the API with the access of its controller. */
async function aHost(power: 'on' | 'off', given: Partial<Controller> = {}): Promise<Host & Controller> {
  const controller = controllers.add(power, { username: 'slipway', password });
  const { name, address, username } = controller;
  const ipmi = { address, username, password, ...given };
  const host = await created<Host>(admin, '/hosts/', { name, host_type: 'PHY_HOST', ipmi });
  await createMemoryRunner(minions).prepare({ name, runner: 'salt', address: null });
  return { ...controller, ...host };
}

const act = async ({ id }: Host, action: 'start' | 'stop' | 'restart') => {
  const body = action === 'start' ? undefined : { force: true };
  const taskId = taskIdOf(await admin.post(`/hosts/${id}/actions/${action}/`, body));
  return endedHostTask({ admin }, taskId);
};

test('a host is restarted, stopped and started, each once', async () => {
  const host = await aHost('on');
  expect(await act(host, 'restart')).toMatchObject({ status: 'finished', results: [{ error_code: null }] });
  expect(await hostRow(world, host)).toMatchObject({ osStatus: 'running', busyTaskId: null });
  expect(await act(host, 'stop')).toMatchObject({ status: 'finished' });
  expect(await hostRow(world, host)).toMatchObject({ osStatus: 'stopped' });
  expect(await act(host, 'start')).toMatchObject({ status: 'finished' });
  expect(controllers.begun(host.address)).toEqual(['restart', 'stop', 'start']);
}, 60_000);

test('the password is in no history, answer, record, log or argument', async () => {
  const host = await aHost('on');
  const task = await act(host, 'restart');
  const handle = world.temporal.workflow.getHandle(hostTaskWorkflowId(task.id));
  const answers = await Promise.all(
    ['/hosts/', `/hosts/${host.id}/`, `/hosts/tasks/${task.id}/`, `/audit/host-operations/`].map((path) =>
      admin.get(path),
    ),
  );
  for (const { status } of answers) expect(status).toBe(200);
  const { db, log } = world;
  const rows = [
    await db.selectFrom('hosts').selectAll().execute(),
    await db.selectFrom('auditRecords').selectAll().execute(),
    await db.selectFrom('hostCalls').selectAll().execute(),
    await db.selectFrom('taskResults').selectAll().execute(),
    await db.selectFrom('outbox').selectAll().execute(),
  ];
  const told = JSON.stringify([await handle.fetchHistory(), answers.map(({ body }) => body), rows, log]);
  expect(told).toContain(host.address);
  expect(told).not.toContain(password);
  // A history holds its payloads in base64.
  for (const shift of [0, 1, 2])
    expect(told).not.toContain(
      Buffer.from('x'.repeat(shift) + password)
        .toString('base64')
        .slice(4, -4),
    );
  expect(controllers.read().runs.flatMap(({ args }) => args)).not.toContain(password);
}, 60_000);

test('a wrong password fails with 30006, saying what to correct, and nothing is begun', async () => {
  const host = await aHost('on', { password: 'hush-other' });
  const task = await act(host, 'restart');
  expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', error_code: 30006 }] });
  expect(task.results[0]?.message).toContain("correct the host's ipmi");
  expect(task.results[0]?.message).not.toContain('hush');
  expect(controllers.begun(host.address)).toEqual([]);
}, 60_000);

test.each([
  ['restart', 30006],
  ['start', 30003],
] as const)(
  'a password sealed with another master key fails %s with %i, naming what to set',
  async (action, code) => {
    const host = await aHost(action === 'start' ? 'off' : 'on');
    const other = createSecrets({ masterKey: randomBytes(32).toString('base64') });
    const ipmi = { address: host.address, username: 'slipway', password: other.seal(ipmiPurpose(host.id), password) };
    await world.db
      .updateTable('hosts')
      .set({ ipmi: json(ipmi) })
      .where('id', '=', host.id)
      .execute();
    const task = await act(host, action);
    expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', error_code: code }] });
    expect(task.results[0]?.message).toMatch(/SLIPWAY_MASTER_KEY.*enter the secret again/);
    expect(controllers.begun(host.address)).toEqual([]);
  },
  60_000,
);
