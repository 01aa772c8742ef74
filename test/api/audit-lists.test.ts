// The views of the audit log: the contents of each, each of its filters, who may read, and that all are read-only.
import { sql } from 'kysely';
import { createSealer } from '../../db/audit/seal.ts';
import { testApp, type ApiResponse, type TestApp, type TestUser } from '../support/api/app.ts';
import { ann, grant, write } from '../support/api/audit-records.ts';

interface Item {
  id: number;
  operator: string;
  op_type?: string;
  op_detail?: string;
  [field: string]: unknown;
}
interface List {
  prev: string | null;
  next: string | null;
  count: number;
  results: Item[];
}

const old = '2026-01-01T00:00:00.000Z';
let t: TestApp;
let auditor: TestUser;

beforeAll(async () => {
  t = await testApp();
  auditor = await t.user({ system: ['enable_audit'] });
  const dns = { view: 'dns', area: 'dns' } as const;
  const host = { view: 'host', area: 'hosts', targetType: 'host' } as const;
  const app = { view: 'app', area: 'applications', targetType: 'application' } as const;
  await write(t.db, [
    { ...dns, opType: 'add', opTarget: 'server', detail: { en: 'server ns1 added', zh: '添加服务器 ns1' } },
    { ...dns, opType: 'disable', opTarget: 'record', detail: { en: 'record www disabled', zh: '停用记录 www' } },
    { ...host, opType: 'add', targetId: 5, targetName: 'Web-01', detail: { en: 'host added', zh: '添加主机' } },
    { ...host, opType: 'detach_app', targetId: 6, targetName: 'db-01', detail: { en: '100% gone_', zh: '移除' } },
    { ...app, opType: 'attach_host', targetId: 8, targetName: 'shop.web', changes: { password: ['******', '******'] } },
    { ...app, opType: 'change_deploy_setting', targetId: 9, targetName: 'shop.api' },
    { ...app, opType: 'update', targetId: 9, targetName: 'shop.api', outcome: 'refused' },
    grant({}),
    grant({
      permName: 'approve_host_req',
      moduleName: 'resource_req',
      authorizedTargetType: 'role',
      action: 'disable',
    }),
    grant({ view: 'resources', targetType: 'host', targetId: 5, targetName: 'web-01', permName: 'login_host' }),
    grant({ view: 'resources', targetType: 'application', targetId: 8, targetName: 'shop.web', permName: 'edit_app' }),
  ]);
  await write(t.db, [{ ...host, opType: 'update', targetId: 5, targetName: 'web-01' }], {
    username: 'system',
    channel: 'workflow',
    tokenId: null,
    remoteAddr: null,
    requestId: null,
  });
  await sql`
    insert into audit_records (op_time, view, operator, area, op_type, target_type, detail_en, detail_zh, channel)
    values (${old}, 'operations', 'old', 'deploy', 'close', 'deploy_task', 'closed', '关闭', 'console')`.execute(t.db);
  await createSealer(t.db).seal();
});
afterAll(() => t.close());

const get = (path: string, headers = {}): Promise<ApiResponse<List>> => auditor.get<List>(`/audit/${path}`, headers);
async function found(path: string, field: string): Promise<unknown[]> {
  const { status, body } = await get(path);
  expect({ path, status }).toEqual({ path, status: 200 });
  expect(body.count).toBe(body.results.length);
  return body.results.map((one) => one[field]);
}

test('a record is shown with who, how, what, and its link in the chain', async () => {
  const { body } = await get('app-operations/?op_type=attach_host');
  expect(body.results).toEqual([
    {
      id: expect.any(Number) as number,
      op_time: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) as string,
      operator: 'ann',
      app_name: 'shop.web',
      op_type: 'attach_host',
      op_detail: 'role ops changed',
      outcome: 'success',
      channel: 'token',
      remote_addr: ann.remoteAddr,
      request_id: 'r-1',
      token_id: 3,
      message_id: null,
      changes: { password: ['******', '******'] },
      chain: {
        position: expect.any(Number) as number,
        prev_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    },
  ]);
});

test('a grant on a module has the module’s name in the caller’s language', async () => {
  const english = await get('authorize-operations/modules/?perm_name=create_app');
  expect(english.body.results[0]).toMatchObject({
    module_name: 'app_mgmt',
    module_label: 'Applications',
    perm_name: 'create_app',
    action: 'enable',
    authorized_target_type: 'user',
    authorized_target_name: 'bob',
  });
  expect(english.body.results[0]).not.toHaveProperty('op_type');
  const chinese = await get('authorize-operations/modules/?perm_name=create_app', { 'accept-language': 'zh-CN' });
  expect(chinese.body.results[0]).toMatchObject({ module_label: '应用管理' });
});

test('a grant on an object names the object in its own field', async () => {
  const { body } = await get('authorize-operations/resources/?resource_type=host');
  expect(body.results[0]).toMatchObject({
    resource_type: 'host',
    resource_id: 5,
    resource: { id: 5, host: 'web-01' },
    perm_name: 'login_host',
  });
});

test('the sentence is in the caller’s language', async () => {
  const path = 'dns-operations/?op_target=server';
  expect((await get(path)).body.results[0]?.op_detail).toBe('server ns1 added');
  expect((await get(path, { 'accept-language': 'zh' })).body.results[0]?.op_detail).toBe('添加服务器 ns1');
});

describe('a filter finds exactly what it says', () => {
  test.each([
    ['dns-operations/', 'op_target', ['record', 'server']],
    ['dns-operations/?op_type=disable', 'op_target', ['record']],
    ['dns-operations/?op_target=server', 'op_type', ['add']],
    ['dns-operations/?op_detail=WWW', 'op_type', ['disable']],
    ['dns-operations/?op_detail=停用', 'op_type', ['disable']],
    ['dns-operations/?operator=ann', 'op_type', ['disable', 'add']],
    ['dns-operations/?operator=an', 'op_type', []],
    ['host-operations/?hostname=web', 'op_type', ['update', 'add']],
    ['host-operations/?hostname=', 'op_type', ['update', 'detach_app', 'add']],
    ['host-operations/?op_type=deatach_app', 'hostname', ['db-01']],
    ['host-operations/?op_detail=100%25', 'hostname', ['db-01']],
    ['host-operations/?op_detail=%25', 'hostname', ['db-01']],
    ['host-operations/?operator=system', 'op_type', ['update']],
    ['app-operations/', 'op_type', ['change_deploy_setting', 'attach_host']],
    ['app-operations/?app_name=SHOP.a', 'op_type', ['change_deploy_setting']],
    ['app-operations/?op_type=change_deploy_settings', 'app_name', ['shop.api']],
    ['app-operations/?outcome=refused', 'op_type', ['update']],
    ['app-operations/?outcome=all&app_name=api', 'op_type', ['update', 'change_deploy_setting']],
    ['authorize-operations/modules/?module_name=app_mgmt', 'perm_name', ['create_app']],
    ['authorize-operations/modules/?module_name=application', 'perm_name', ['create_app']],
    ['authorize-operations/modules/?module_name=应用管理', 'perm_name', ['create_app']],
    ['authorize-operations/modules/?perm_name=add_app', 'perm_name', ['create_app']],
    ['authorize-operations/modules/?action=disable', 'perm_name', ['approve_host_req']],
    ['authorize-operations/modules/?authorized_target_type=role', 'perm_name', ['approve_host_req']],
    ['authorize-operations/modules/?authorized_target_name=BO', 'perm_name', ['approve_host_req', 'create_app']],
    ['authorize-operations/resources/?resource_type=application', 'perm_name', ['edit_app']],
    ['authorize-operations/resources/?resource_type=business', 'perm_name', []],
    ['authorize-operations/resources/?resource_id=5', 'perm_name', ['login_host']],
    ['authorize-operations/resources/?perm_name=login', 'resource_id', [5]],
    ['authorize-operations/resources/?authorized_target_name=nobody', 'perm_name', []],
    ['operations/?area=hosts', 'op_type', ['update', 'detach_app', 'add']],
    ['operations/?target_type=application&target_id=8', 'op_type', ['enable', 'attach_host']],
    ['operations/?op_type=close', 'operator', ['old']],
    ['operations/?op_detail=closed', 'operator', ['old']],
    ['operations/?outcome=refused', 'op_type', ['update']],
    ['operations/?channel=workflow', 'operator', ['system']],
    ['operations/?remote_addr=10.0.0.9&area=dns', 'op_type', ['disable', 'add']],
    ['operations/?request_id=r-1&area=dns', 'op_type', ['disable', 'add']],
    ['operations/?request_id=r&area=dns', 'op_type', []],
    [`operations/?op_time__lt=${old}`, 'operator', ['old']],
    [`operations/?op_time__gt=${old}&op_time__lt=${old}`, 'operator', ['old']],
    ['operations/?op_time__lt=1767225599', 'operator', []],
  ] as const)('%s', async (path, field, values) => {
    expect(await found(path, field)).toEqual(values);
  });
});

test('the view of all records includes every view, refused requests too, newest first', async () => {
  const { body } = await get('operations/?page_size=100');
  expect(body.count).toBe(13);
  const ids = body.results.map(({ id }) => id);
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  const one = await auditor.get<Item>(`/audit/operations/${ids[3] ?? 0}/`);
  expect(one).toMatchObject({ status: 200, body: body.results[3] as object });
  expect((await auditor.get('/audit/operations/999999/')).status).toBe(404);
});

test.each([
  'dns-operations/?op_type=attach_app',
  'dns-operations/?op_target=zone',
  'host-operations/?outcome=perhaps',
  'authorize-operations/modules/?module_name=nonsense',
  'authorize-operations/modules/?perm_name=nonsense',
  'authorize-operations/resources/?resource_type=user',
  'operations/?channel=mail',
  'operations/?target_id=x',
  'operations/?hostname=a',
  'app-operations/?op_time__gt=yesterday',
  'operations/?before_id=0',
])('%s is refused with 10001', async (path) => {
  expect(await get(path)).toMatchObject({ status: 400, body: { error_code: 10001 } });
});

test('pages are stable while records are added', async () => {
  const area = 'stable';
  await write(
    t.db,
    Array.from({ length: 9 }, () => ({ area })),
  );
  const whole = (await get(`operations/?area=${area}&page_size=100`)).body.results.map(({ id }) => id);
  const seen: number[] = [];
  let next: string | null = `/audit/operations/?area=${area}&page_size=4`;
  while (next !== null) {
    const { body }: ApiResponse<List> = await auditor.get<List>(next);
    expect(body.count).toBe(9);
    seen.push(...body.results.map(({ id }) => id));
    await write(t.db, [{ area }, { area }, { area }]);
    if (body.next !== null) expect(new URLSearchParams(body.next.split('?')[1]).has('before_id')).toBe(true);
    next = body.next;
  }
  expect(seen).toEqual(whole);
  const direct = await get(`operations/?area=${area}&page=2&page_size=4`);
  expect(direct.body.next).toMatch(/before_id=\d+/);
});

const paths = [
  'dns-operations/',
  'host-operations/',
  'app-operations/',
  'authorize-operations/modules/',
  'authorize-operations/resources/',
  'operations/',
  'operations/1/',
  'verify/',
  'export/',
];

test.each(paths)('%s accepts no method but GET', async (path) => {
  for (const method of ['post', 'patch', 'delete'] as const) {
    const answer = await auditor[method](`/audit/${path}`, {});
    expect(answer).toMatchObject({ status: 405, body: { error_code: 10009 } });
    expect(answer.headers.get('allow')).toBe('GET');
  }
});

test.each(paths)('%s needs enable_audit', async (path) => {
  const other = await t.user({ system: ['view_user'] });
  const english = await other.get(`/audit/${path}`);
  expect(english).toMatchObject({ status: 403, body: { error_code: 10003, message: 'not allowed: enable_audit' } });
  const chinese = await other.get(`/audit/${path}`, { 'accept-language': 'zh' });
  expect(chinese.body).toMatchObject({ message: '没有权限: enable_audit' });
});

test('reading is not audited', async () => {
  const count = async () => (await t.db.selectFrom('auditRecords').select('id').execute()).length;
  const before = await count();
  for (const path of paths.filter((one) => one !== 'export/')) await get(path);
  expect(await count()).toBe(before);
});
