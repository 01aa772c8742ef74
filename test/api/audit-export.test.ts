// Exports are complete, verifiable without the database, one snapshot, read no faster than the client consumes them, and
// limited in number.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve, type ServerType } from '@hono/node-server';
import { sql } from 'kysely';
import { createSealer } from '../../db/audit/seal.ts';
import { verifyExport } from '../../db/audit/verify-export.ts';
import { auditVerify } from '../../embedded/audit-verify.ts';
import { eventually } from '../support/harness.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { write } from '../support/api/audit-records.ts';

const records = 10_000;
let t: TestApp;
let auditor: TestUser;
let text: string;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-audit-'));
  t = await testApp();
  auditor = await t.user({ system: ['export_audit'] });
  await write(
    t.db,
    Array.from({ length: records }, (_, n) => ({
      targetId: n + 1,
      targetName: `role-${n}`,
      changes: { name: [`é${n}`, '名'], n: [n / 3, { b: null, a: [true] }] },
      outcome: n % 100 === 0 ? 'refused' : 'success',
    })),
  );
  await createSealer(t.db).seal();
  text = await exported();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await t.close();
});

async function exported(query = '', headers = {}): Promise<string> {
  const { status, body } = await auditor.get<string>(`/audit/export/${query}`, headers);
  expect(status).toBe(200);
  return body;
}
const linesOf = (body: string): string[] => body.split('\n').slice(0, -1);
const changed = (at: number, change: (line: string) => string | undefined): string[] =>
  linesOf(text).flatMap((line, index) => (index === at ? (change(line) ?? []) : [line]));

test('an export without filters has every record and verifies offline', async () => {
  const lines = linesOf(text);
  expect(lines).toHaveLength(records + 2);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ filtered: false, from_id: null, to_id: null });
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    id: 1,
    operator: 'ann',
    detail_en: 'role ops changed',
    detail_zh: '修改角色 ops',
    target_name: 'role-0',
    chain: { position: 1, prev_hash: '0'.repeat(64) },
  });
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
    end: true,
    count: records,
    head: { position: records, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  });
  const result = await verifyExport(lines);
  expect(result).toMatchObject({ ok: true, checked: records, unsealed: 0, whole: true, first_bad: null });
});

const middle = 5_000;
const id = middle;
test.each<[string, number, (line: string) => string | undefined, object]>([
  [
    'a changed name',
    middle,
    (line) => line.replace('role-', 'Role-'),
    { id, reason: 'hash_mismatch', line: middle + 1 },
  ],
  ['a changed sentence', middle, (line) => line.replace('修改', '删除'), { id, reason: 'hash_mismatch' }],
  ['an added field', middle, (line) => line.replace('{', '{"x":1,'), { id, reason: 'hash_mismatch' }],
  ['a changed hash', middle, (line) => line.replace(/"hash":"..../, '"hash":"0000'), { id, reason: 'hash_mismatch' }],
  ['a removed line', middle, () => undefined, { reason: 'count_differs' }],
  ['a line that is no JSON', middle, () => '{', { reason: 'not_an_export' }],
  ['a record said to be unsealed', middle, (line) => line.replace(/"chain":.*$/, '"chain":null}'), { reason: 'gap' }],
  ['a repeated line', middle, (line) => `${line}\n${line}`, { reason: 'broken_link' }],
  ['a missing end', records + 1, () => undefined, { reason: 'incomplete' }],
  ['a removed head', 0, () => undefined, { reason: 'not_an_export' }],
])('the offline verification finds %s', async (_what, at, change, fault) => {
  const lines = changed(at, change).flatMap((line) => line.split('\n'));
  const result = await verifyExport(lines);
  expect(result.ok).toBe(false);
  expect(result.first_bad).toMatchObject(fault);
});

test('the offline verification finds a removed line although the count was corrected', async () => {
  const lines = changed(middle, () => undefined);
  lines[lines.length - 1] = (lines.at(-1) ?? '').replace(`"count":${records}`, `"count":${records - 1}`);
  expect((await verifyExport(lines)).first_bad).toMatchObject({ id: id + 1, reason: 'gap' });
});

test('the command verifies a file and reports the result by its exit code', async () => {
  const [good, bad] = [join(folder, 'good.ndjson'), join(folder, 'bad.ndjson')];
  writeFileSync(good, text);
  writeFileSync(bad, text.replace('"role-77"', '"role-78"'));
  const printed: string[] = [];
  const print = (line: string): void => void printed.push(line);
  expect(await auditVerify(good, print)).toBe(0);
  expect(JSON.parse(printed[0] ?? '')).toMatchObject({ ok: true, checked: records });
  expect(await auditVerify(bad, print)).toBe(1);
  expect(JSON.parse(printed[1] ?? '')).toMatchObject({ ok: false, first_bad: { id: 78, reason: 'hash_mismatch' } });
});

test('a filtered export says so in its first line, and each of its records is verified on its own', async () => {
  const lines = linesOf(await exported('?outcome=refused&operator=ann'));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    filtered: true,
    filters: { outcome: 'refused', operator: 'ann' },
  });
  expect(lines).toHaveLength(100 + 2);
  expect(await verifyExport(lines)).toMatchObject({ ok: true, checked: 100, whole: false });
  const forged = lines.map((line) => line.replace('"refused"', '"success"'));
  expect((await verifyExport(forged)).first_bad).toMatchObject({ reason: 'hash_mismatch' });
});

test('a range of ids is exported, both ends included', async () => {
  const lines = linesOf(await exported('?from_id=11&to_id=20'));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ filtered: false, from_id: 11, to_id: 20 });
  expect(lines.slice(1, -1).map((line) => (JSON.parse(line) as { id: number }).id)).toEqual([
    11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
  ]);
  expect(await verifyExport(lines)).toMatchObject({ ok: true, checked: 10, whole: false });
  expect((await auditor.get('/audit/export/?from_id=9&to_id=8')).status).toBe(400);
  expect((await auditor.get('/audit/export/?format=xml')).status).toBe(400);
});

test('an export is one snapshot: later writes are not in it', async () => {
  const before = (await t.db.selectFrom('auditRecords').select('id').execute()).length;
  const response = await t.app.request('/audit/export/', { headers: { authorization: `Token ${auditor.token}` } });
  await write(t.db, [{ opType: 'meanwhile' }]);
  const lines = linesOf(await response.text());
  expect(lines).toHaveLength(before + 2);
  expect(lines.join('\n')).not.toContain('meanwhile');
});

test('an export reads no more of the database than its client consumes, and releases it on a disconnect', async () => {
  const sent = jest.spyOn(JSON, 'stringify');
  const response = await t.app.request('/audit/export/', { headers: { authorization: `Token ${auditor.token}` } });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await reader.read();
  expect(sent.mock.calls.length).toBeLessThan(1_000);
  sent.mockRestore();
  await reader.cancel();
  await eventually(async () => (await transactions()) === 0);
});

const transactions = async (): Promise<number> => {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%'`.execute(t.db);
  return rows[0]?.n ?? 0;
};

test('an export releases the database when its connection breaks', async () => {
  const server = await new Promise<ServerType>((resolve) => {
    const one = serve({ fetch: t.app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(one));
  });
  const leaving = new AbortController();
  try {
    const { port } = server.address() as AddressInfo;
    const request = { headers: { authorization: `Token ${auditor.token}` }, signal: leaving.signal };
    const url = `http://127.0.0.1:${port}/audit/export/`;
    const whole = await (await fetch(url, request)).text();
    expect(await verifyExport(linesOf(whole))).toMatchObject({ ok: true, whole: true });
    await fetch(url, request);
    await eventually(async () => (await transactions()) === 1);
    leaving.abort();
    await eventually(async () => (await transactions()) === 0);
  } finally {
    leaving.abort();
    await new Promise((resolve) => {
      server.close(resolve);
      if ('closeAllConnections' in server) server.closeAllConnections();
    });
  }
});

test('a HEAD of the export leaves no connection open', async () => {
  const headers = { authorization: `Token ${auditor.token}` };
  expect((await t.app.request('/audit/export/', { method: 'HEAD', headers })).status).toBe(200);
  await eventually(async () => (await transactions()) === 0);
});

test("a user's third concurrent export or verification is refused with 10006, another user’s is not", async () => {
  const other = await t.user({ system: ['export_audit'] });
  const headers = { authorization: `Token ${auditor.token}` };
  const open = [await t.app.request('/audit/export/', { headers }), await t.app.request('/audit/export/', { headers })];
  for (const path of ['/audit/export/', '/audit/verify/']) {
    const third = await auditor.get(path);
    expect(third).toMatchObject({ status: 429, body: { error_code: 10006 } });
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await other.get(path)).status).toBe(200);
  }
  await Promise.all(open.map((response) => response.text()));
  expect((await auditor.get('/audit/verify/')).status).toBe(200);
});

test('an export is audited with its filters', async () => {
  await exported('?format=csv&operator=nobody', { 'x-request-id': 'export-1' });
  const found = await t.db.selectFrom('auditRecords').where('requestId', '=', 'export-1').selectAll().execute();
  expect(found).toMatchObject([
    {
      operator: auditor.username,
      area: 'audit',
      opType: 'export',
      view: 'operations',
      channel: 'token',
      changes: { format: [null, 'csv'], operator: [null, 'nobody'] },
    },
  ]);
});

test('an export that cannot be audited does not happen', async () => {
  await sql`alter table audit_records add constraint never check (request_id <> 'export-2')`.execute(t.database.owner);
  const answer = await auditor.get('/audit/export/', { 'x-request-id': 'export-2' });
  expect(answer).toMatchObject({ status: 503, body: { error_code: 10008 } });
  await sql`alter table audit_records drop constraint never`.execute(t.database.owner);
  expect(await transactions()).toBe(0);
});

test('CSV has a header, is quoted as in RFC 4180, and has no text cell that is a formula', async () => {
  const names = ['=1+1', '+1', '-1', '@x', '\tx', 'a "b", c', 'plain'];
  await write(
    t.db,
    names.map((operator) => ({ area: 'csv', targetName: operator, targetId: 5 })),
  );
  const response = await t.app.request('/audit/export/?format=csv&area=csv', {
    headers: { authorization: `Token ${auditor.token}` },
  });
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="slipway-audit-.*\.csv"$/);
  const lines = (await response.text()).split('\r\n');
  expect(lines[0]).toMatch(/^id,op_time,view,operator,area,/);
  const cells = [`'=1+1`, `'+1`, `'-1`, `'@x`, `'\tx`, `"a ""b"", c"`, 'plain'];
  expect(lines).toHaveLength(names.length + 2);
  for (const [index, cell] of cells.entries()) expect(lines[index + 1]).toContain(`,role,5,${cell},`);
});

test('enable_audit alone does not allow an export', async () => {
  const reader = await t.user({ system: ['enable_audit'] });
  const answer = await reader.get('/audit/export/');
  expect(answer).toMatchObject({ status: 403, body: { message: 'not allowed: export_audit' } });
});
