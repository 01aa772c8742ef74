import { z } from 'zod';
import { accessEndpoints } from '../../api/access/index.ts';
import { endpoint } from '../../api/operations/endpoint.ts';
import { application, signedIn } from '../../api/operations/permissions.ts';
import { id } from '../../api/operations/schemas.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { makeApplication, testApp, type TestApp, type TestUser } from '../support/api/app.ts';

const common = { area: 'test', summary: 'test', permission: signedIn } as const;

const endpoints = [
  ...accessEndpoints,
  endpoint({
    ...common,
    method: 'post',
    path: '/application/probes/{id}/',
    id: 'probe',
    permission: application('edit_app'),
    body: z.object({
      package_source: z.string(),
      hosts: z.array(z.object({ id, run_user: z.string().optional() })).default([]),
    }),
    returns: z.object({ id: z.int(), package_source: z.string(), hosts: z.array(z.unknown()) }),
    handle: ({ params, body }) => ({ id: params.id, ...body }),
  }),
  endpoint({
    ...common,
    method: 'get',
    path: '/failing/{kind}/',
    id: 'failing',
    params: z.object({ kind: z.string() }),
    returns: z.object({ n: z.int() }),
    handle({ params }) {
      if (params.kind === 'answer') return { n: 'a secret of the database' as unknown as number };
      if (params.kind === 'extra') return { n: 1, password: 'x' };
      if (params.kind === 'database') throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      const [, code] = /^engine-(\d+)$/.exec(params.kind) ?? [];
      if (code) throw new Error('wrapped', { cause: Object.assign(new Error('x'), { code: Number(code) }) });
      if (params.kind === 'limit') throw new Problem('too_many_requests', { retry_after: 7 });
      throw new Error('a secret of the database');
    },
  }),
];

let t: TestApp;
let app: number;
let editor: TestUser;
beforeAll(async () => {
  t = await testApp({}, { endpoints });
  app = await makeApplication(t.db);
  editor = await t.user({ password, application: { [app]: ['edit_app'] } });
});
afterAll(() => t.close());

const password = 'correct horse battery';
const good = { package_source: 'path', hosts: [] };
const probe = (): string => `/application/probes/${app}/`;

describe('the order of the steps', () => {
  test('without credentials an invalid body gets only 401', async () => {
    const answer = await t.anonymous.post(probe(), '{broken');
    expect(answer).toMatchObject({ status: 401, body: { error_code: 10002, message: 'not authenticated' } });
    expect(answer.body).not.toHaveProperty('details');
  });

  test('the permission is checked before the body: a viewer gets 403 naming the missing permission', async () => {
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    const answer = await viewer.post(probe(), { nonsense: 1 });
    expect(answer).toMatchObject({ status: 403, body: { error_code: 10003, message: 'not allowed: edit_app' } });
  });

  test('an object that the caller may not view is 404, with the same answer as one that does not exist', async () => {
    const stranger = await t.user();
    const hidden = await stranger.post(probe(), good);
    const absent = await stranger.post('/application/probes/999999/', good);
    expect(hidden.status).toBe(404);
    expect(absent.body).toEqual({ ...hidden.body, message: 'no such application: 999999' });
  });

  test('a refused mutation is in the audit log, a refused read is not', async () => {
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    await viewer.post(probe(), good);
    await viewer.get('/users/9999/');
    const records = await t.db
      .selectFrom('auditRecords')
      .where('operator', '=', viewer.username)
      .select(['outcome', 'detailEn', 'channel'])
      .execute();
    expect(records).toEqual([{ outcome: 'refused', channel: 'token', detailEn: 'test: not allowed: edit_app' }]);
  });
});

describe('input', () => {
  test.each([
    ['an unknown field', { ...good, colour: 'red' }, { field: 'colour', message: 'unknown field' }],
    [
      'an unknown nested field',
      { ...good, hosts: [{ id: 1, x: 1 }] },
      { field: 'hosts.0.x', message: 'unknown field' },
    ],
    ['a missing field', {}, { field: 'package_source', message: expect.any(String) }],
    [
      'a field under two names',
      { ...good, deploy_source: 'path' },
      { field: 'deploy_source', message: 'is also given as package_source' },
    ],
  ])('%s is refused by its path', async (_case, body, detail) => {
    const answer = await editor.post(probe(), body);
    expect(answer).toMatchObject({ status: 400, body: { error_code: 10001 } });
    expect(answer.body['details']).toContainEqual(detail);
  });

  test('documented aliases are accepted at any depth and returned canonically; numeric strings are ids', async () => {
    const answer = await editor.post(probe(), { deploy_source: 'path', hosts: [{ id: '7', run_users: 'work' }] });
    expect(answer.body).toEqual({ id: app, package_source: 'path', hosts: [{ id: 7, run_user: 'work' }] });
  });

  test.each(['{"package_source":"a","package_source":"b"}', '{"package_source":"a","hosts":[{"id":1,"\\u0069d":2}]}'])(
    'a repeated key is refused: %s',
    async (body) => {
      expect(await editor.post(probe(), body)).toMatchObject({
        status: 400,
        body: { details: [{ message: 'is repeated' }] },
      });
    },
  );

  const places: [where: string, body: (text: string) => string, field: string][] = [
    ['in a field', (text) => `{"package_source":"${text}"}`, 'package_source'],
    ['after other fields', (text) => `{"hosts":[{"id":1},[2,{"x":3}],4],"package_source":"${text}"}`, 'package_source'],
    ['in an element', (text) => `{"hosts":[{"id":1},{"id":2,"run_user":"${text}"}]}`, 'hosts.1.run_user'],
    ['in a list of texts', (text) => `{"hosts":["{[,]}","b","${text}"]}`, 'hosts.2'],
    ['in a list in a list', (text) => `{"hosts":[[],[0,["a","${text}"]]]}`, 'hosts.1.1.1'],
    ['in an unknown field', (text) => `{"more":{"a":{"b":"${text}"}}}`, 'more.a.b'],
    ['in a body that is a list', (text) => `[{"id":"a"},{"id":"${text}"}]`, '1.id'],
    ['in a key', (text) => `{"package_source":"a","a${text}":1}`, 'a\u{fffd}'],
    ['in a key further in', (text) => `{"hosts":[{"${text}b":1}]}`, 'hosts.0.\u{fffd}b'],
  ];
  const unstorable = ['\\u0000', '\\ud83d', '\\ude00', '\\ude00\\ud83d'];
  test.each(places)('text that cannot be stored is refused by its path %s', async (_where, body, field) => {
    for (const text of unstorable)
      expect([text, await editor.post(probe(), body(text))]).toMatchObject([
        text,
        {
          status: 400,
          body: {
            error_code: 10001,
            details: [{ field: stood(field, text), message: 'holds text that cannot be stored' }],
          },
        },
      ]);
    expect((await editor.post(probe(), body('\\ud83d\\ude00'))).body['details'] ?? []).not.toContainEqual(
      expect.objectContaining({ message: 'holds text that cannot be stored' }),
    );
  });

  /** In a name each lone surrogate is replaced. */
  const stood = (field: string, text: string): string =>
    text.length > 6 ? field.replace('\u{fffd}', '\u{fffd}\u{fffd}') : field;

  test('text that cannot be stored is refused by name in a query, and is a 404 in a path', async () => {
    expect((await editor.get('/roles/?name=a%00')).body).toMatchObject({
      error_code: 10001,
      details: [{ field: 'name' }],
    });
    expect((await editor.get('/roles/?a%00b=1')).body).toMatchObject({
      error_code: 10001,
      details: [{ field: 'a\u{fffd}b', message: 'holds a NUL character' }, { message: 'unknown field' }],
    });
    for (const path of ['/failing/a%00/', '/failing/%ed%a0%80/', '/roles/1%00/'])
      expect([path, (await editor.get(path)).status]).toEqual([path, 404]);
  });

  test.each([
    ['{"hosts":[{"id":1,"id":2}]}', 'hosts.0.id'],
    [`{"hosts":${'['.repeat(100)}${']'.repeat(100)}}`, expect.stringMatching(/^hosts\.0\.0/)],
  ])('any other JSON error of a body is named by its path too: %s', async (body, field) => {
    expect((await editor.post(probe(), body)).body['details']).toEqual([{ field, message: expect.any(String) }]);
  });

  test.each(['{', '[1,]', '"\\u0000"', `${'['.repeat(200)}${']'.repeat(200)}`])(
    'a body that is not sane JSON is refused with 10001: %s',
    async (body) => {
      expect(await editor.post(probe(), body)).toMatchObject({ status: 400, body: { error_code: 10001 } });
    },
  );

  test('an unknown or repeated query parameter is refused', async () => {
    expect((await editor.get('/roles/?colour=red')).body).toMatchObject({
      error_code: 10001,
      details: [{ field: 'colour', message: 'unknown field' }],
    });
    expect((await editor.get('/roles/?page=1&page=2')).status).toBe(400);
  });

  test('a body over 1 MiB is refused with 413, with or without Content-Length', async () => {
    const body = JSON.stringify({ package_source: 'x'.repeat(1024 * 1024) });
    expect(await editor.post(probe(), body)).toMatchObject({ status: 413, body: { error_code: 10007 } });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const answer = await t.app.request(
      new Request('http://localhost/auth/login/', {
        method: 'POST',
        body: endless,
        duplex: 'half',
        headers: { 'content-type': 'application/json' },
      }),
    );
    expect(answer.status).toBe(413);
    expect(sent).toBeLessThan(2 * 1024 * 1024);
  });

  test('a body that is not JSON is refused with 415', async () => {
    const answer = await editor.post(probe(), 'a=b', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(answer).toMatchObject({ status: 415, body: { error_code: 10010 } });
  });
});

describe('paths', () => {
  test.each([
    ['/application/probes/', ''],
    ['/applications/probes/', ''],
    ['/application/probes/', '/'],
    ['/applications/probes/', '/'],
  ])('%s{id}%s is the same resource, without a redirect', async (prefix, end) => {
    expect((await editor.post(`${prefix}${app}${end}`, good)).status).toBe(200);
  });

  test('another method is refused with 405 and Allow', async () => {
    const answer = await editor.delete('/users/');
    expect(answer).toMatchObject({ status: 405, body: { error_code: 10009 } });
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  test('an operation documented without an id takes it from the body', async () => {
    const made = await editor.post('/auth-tokens/', { name: 'by body', password });
    const answer = await editor.patch('/auth-tokens/', { id: String(made.body['id']), name: 'renamed' });
    expect(answer).toMatchObject({ status: 200, body: { id: made.body['id'], name: 'renamed' } });
    expect(await editor.patch('/auth-tokens/', { name: 'x' })).toMatchObject({
      status: 400,
      body: { details: [{ field: 'id', message: 'is missing' }] },
    });
  });

  test.each(['/nowhere/', '/users/abc/', '/users/0/', '/users/1e3/', '/users/%zz/', '//users/'])(
    '%s is not found',
    async (path) => {
      const answer = await (await t.user({ admin: true })).get(path);
      expect(answer).toMatchObject({ status: 404, body: { error_code: 10004 } });
    },
  );

  test('links to other pages keep the query and are relative', async () => {
    for (let n = 0; n < 3; n += 1) await editor.post('/auth-tokens/', { name: `page ${n}`, password });
    const second = await editor.get('/auth-tokens?name=page&page_size=1&page_number=2');
    expect(second.body).toMatchObject({
      count: 3,
      prev: '/auth-tokens/?name=page&page_size=1&page=1',
      next: '/auth-tokens/?name=page&page_size=1&page=3',
    });
    const past = await editor.get('/auth-tokens/?name=page&page=9');
    expect(past).toMatchObject({ status: 200, body: { count: 3, next: null, results: [] } });
    expect((await editor.get('/auth-tokens/?page_size=1001')).status).toBe(400);
  });
});

describe('responses', () => {
  test('a sane request id is kept, another is replaced', async () => {
    expect((await editor.get('/roles/', { 'x-request-id': 'abc-1' })).headers.get('x-request-id')).toBe('abc-1');
    const replaced = await editor.get('/roles/', { 'x-request-id': 'a b' });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('messages are Chinese for those who prefer it', async () => {
    const answer = await editor.get('/users/9999/', { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.5' });
    expect(answer.body['message']).toBe('没有权限: enable_user_mgmt');
    const english = await editor.get('/users/9999/', { 'accept-language': 'en,zh;q=0.5' });
    expect(english.body['message']).toBe('not allowed: enable_user_mgmt');
    const field = await editor.post('/auth-tokens/', { name: 1, colour: 2 }, { 'accept-language': 'zh' });
    expect(field.body).toMatchObject({ message: '参数错误', details: [{ message: '未知字段' }, { field: 'name' }] });
    expect(JSON.stringify(field.body)).not.toMatch(/invalid|expected/i);
  });

  test.each(['anything', 'answer', 'extra'])('an internal error (%s) reveals only the request id', async (kind) => {
    const answer = await editor.get(`/failing/${kind}/`, { 'x-request-id': `failing-${kind}` });
    expect(answer).toMatchObject({
      status: 500,
      body: { error_code: 10000, message: `internal error; request failing-${kind}` },
    });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(t.log).toContainEqual(expect.objectContaining({ requestId: `failing-${kind}`, level: 'error' }));
  });

  test.each([
    ['database', 'the database'],
    ['engine-14', 'the workflow engine'],
    ['engine-8', 'the workflow engine'],
    ['engine-4', 'the workflow engine'],
  ])('when the %s cannot be reached the answer is 503', async (kind, name) => {
    expect(await editor.get(`/failing/${kind}/`)).toMatchObject({
      status: 503,
      body: { error_code: 10008, message: `${name} is unavailable; nothing was changed` },
    });
  });

  test('a rate limit says when to retry', async () => {
    const answer = await editor.get('/failing/limit/');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
  });

  test('every request is one line of the log, with its user and without secrets', async () => {
    await editor.get('/roles/', { 'x-request-id': 'one-line' });
    const lines = t.log.filter((line) => line['requestId'] === 'one-line');
    expect(lines).toEqual([
      expect.objectContaining({ endpoint: 'listRoles', user: editor.username, status: 200, method: 'GET' }),
    ]);
    expect(JSON.stringify(t.log)).not.toContain(editor.token);
  });
});
