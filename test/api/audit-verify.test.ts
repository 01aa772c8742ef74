import { sql } from 'kysely';
import { Hono } from 'hono';
import { createMetrics, mountMetrics } from '../../api/system/metrics.ts';
import { anchor } from '../../db/audit/anchor.ts';
import { createSealer } from '../../db/audit/seal.ts';
import { startNightlyVerification } from '../../db/audit/verifications.ts';
import { eventually } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { write } from '../support/api/audit-records.ts';

const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
let t: TestApp;
let auditor: TestUser;
beforeEach(async () => {
  t = await testApp();
  auditor = await t.user({ system: ['enable_audit'] });
  await write(
    t.db,
    Array.from({ length: 20 }, (_, n) => ({ targetId: n })),
  );
  await createSealer(t.db).seal();
  await anchor(t.db, { log });
});
afterEach(() => t.close());

/** Acts as a database superuser, whom the triggers do not stop. */
const tamper = (): Promise<void> =>
  t.database.owner.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    await sql`update audit_records set operator = 'eve' where id = 13`.execute(tx);
  });
const repair = (): Promise<void> =>
  t.database.owner.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    await sql`update audit_records set operator = 'ann' where id = 13`.execute(tx);
  });

async function metric(): Promise<string | undefined> {
  const app = new Hono();
  mountMetrics(app, { ...t.deps, config: { ...t.deps.config, metricsToken: 'm'.repeat(16) } }, createMetrics(t.deps));
  const response = await app.request('/metrics', { headers: { authorization: `Bearer ${'m'.repeat(16)}` } });
  return /^slipway_audit_chain_broken (\S+)$/m.exec(await response.text())?.[1];
}

test('an untouched chain verifies, whole and in part', async () => {
  const whole = await auditor.get('/audit/verify/');
  expect(whole).toMatchObject({
    status: 200,
    body: {
      ok: true,
      checked: 20,
      from_id: 1,
      to_id: 20,
      next_id: null,
      first_bad: null,
      unsealed: 0,
      anchors_checked: 1,
      head: { position: 20 },
    },
  });
  const part = await auditor.get('/audit/verify/?from_id=5&to_id=9');
  expect(part.body).toMatchObject({ ok: true, checked: 5, from_id: 5, to_id: 9 });
  expect((await auditor.get('/audit/verify/?from_id=5&to_id=4')).status).toBe(400);
  expect((await auditor.get('/audit/verify/?from_id=x')).status).toBe(400);
});

test('a changed record is named, and the metric stays raised until a full verification finds the chain intact', async () => {
  expect(await metric()).toBe('0');
  await tamper();
  const broken = await auditor.get('/audit/verify/');
  expect(broken).toMatchObject({
    status: 200,
    body: { ok: false, first_bad: { id: 13, reason: 'hash_mismatch' } },
  });
  expect(await metric()).toBe('1');
  expect((await auditor.get('/audit/verify/?from_id=14')).body).toMatchObject({ ok: true });
  expect(await metric()).toBe('1');
  await repair();
  expect((await auditor.get('/audit/verify/')).body).toMatchObject({ ok: true });
  expect(await metric()).toBe('0');
});

test('the nightly verification finds a broken chain, once a day across all processes', async () => {
  await tamper();
  const loops = [1, 2].map(() => startNightlyVerification(t.db, t.deps.secrets, log));
  const first_bad = { id: 13, reason: 'hash_mismatch' };
  await eventually(() =>
    expect(log.error).toHaveBeenCalledWith({ result: expect.objectContaining({ first_bad }) }, expect.any(String)),
  );
  expect(log.error).toHaveBeenCalledTimes(1);
  await Promise.all(loops.map((loop) => loop.stop()));
  expect(await metric()).toBe('1');
  const again = startNightlyVerification(t.db, t.deps.secrets, log);
  await again.stop();
  expect(await t.db.selectFrom('auditVerifications').select(['ok', 'whole']).execute()).toEqual([
    { ok: false, whole: true },
  ]);
});
