import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../api/app.ts';
import { mountImages } from '../../api/system/images.ts';
import { unique } from '../support/harness.ts';
import { testApp, type ApiResponse, type TestApp, type TestUser } from '../support/api/app.ts';

interface Navigator {
  id: number;
  name: string;
  [field: string]: unknown;
}
interface List {
  count: number;
  results: Navigator[];
}

const path = '/external-navigators/';
let t: TestApp;
let manager: TestUser;
let viewer: TestUser;
beforeAll(async () => {
  t = await testApp();
  manager = await t.user({ system: ['manage_navigator'] });
  viewer = await t.user({ system: ['view_navigator'] });
});
afterAll(() => t.close());

const wish = (part: object = {}) => ({ name: unique(), img: '/imgs/a.jpg', url: 'https://wiki.example.com/', ...part });
const create = (part: object = {}): Promise<ApiResponse<Navigator>> => manager.post<Navigator>(path, wish(part));
const recordsOf = (id: number) =>
  t.db
    .selectFrom('auditRecords')
    .where('targetType', '=', 'navigator')
    .where('targetId', '=', id)
    .orderBy('id')
    .select(['opType', 'changes', 'operator'])
    .execute();

test('a navigator is created, read, changed and deleted, each change with its record', async () => {
  const wanted = wish();
  const { status, body } = await manager.post<Navigator>(path, wanted);
  expect(status).toBe(201);
  expect(body).toEqual({
    ...wanted,
    id: body.id,
    position: 0,
    creator: manager.username,
    created_time: expect.any(String) as string,
    available_actions: { edit: true, delete: true },
  });
  const read = await viewer.get<Navigator>(`${path}${body.id}/`);
  expect(read.body).toEqual({ ...body, available_actions: { edit: false, delete: false } });
  const changed = await manager.patch<Navigator>(`${path}${body.id}/`, { position: 3 });
  expect(changed).toMatchObject({ status: 200, body: { ...wanted, position: 3 } });
  await manager.patch(`${path}${body.id}/`, { position: 3 });
  expect((await manager.delete(`${path}${body.id}/`)).body).toEqual({ message: 'success' });
  expect((await viewer.get(`${path}${body.id}/`)).status).toBe(404);
  expect(await recordsOf(body.id)).toMatchObject([
    { opType: 'create', operator: manager.username, changes: { url: [null, wanted.url] } },
    { opType: 'update', changes: { position: [0, 3] } },
    { opType: 'delete', changes: { name: [wanted.name, null] } },
  ]);
});

test('the change documented without an id takes it from the body', async () => {
  const { body } = await create();
  const changed = await manager.patch<Navigator>(path, { id: String(body.id), name: `${body.name}-2` });
  expect(changed).toMatchObject({ status: 200, body: { id: body.id, name: `${body.name}-2` } });
  expect(await manager.patch(path, { name: 'x' })).toMatchObject({ status: 400, body: { error_code: 10001 } });
  expect((await manager.patch(path, { id: 999_999, name: 'x' })).status).toBe(404);
});

test('the list is ordered by id and filters by a part of the name', async () => {
  const name = unique();
  const first = await create({ name: `${name}-B`, position: 9 });
  const second = await create({ name: `${name}-a`, position: 1 });
  const { body } = await viewer.get<List>(`${path}?name=${name.toUpperCase()}`);
  expect(body.results.map(({ id }) => id)).toEqual([first.body.id, second.body.id]);
  expect((await viewer.get<List>(`${path}?name=${name}-b`)).body.count).toBe(1);
  expect((await viewer.get<List>(`${path}?name=%25${name}`)).body.count).toBe(0);
});

test('a name is unique regardless of case', async () => {
  const { body } = await create();
  const again = await manager.post(path, wish({ name: body.name.toUpperCase() }), { 'accept-language': 'zh' });
  expect(again).toMatchObject({ status: 409, body: { error_code: 10005, message: '名称已存在' } });
  const other = await create();
  expect(await manager.patch(`${path}${other.body.id}/`, { name: body.name })).toMatchObject({
    status: 409,
    body: { error_code: 10005, message: 'name already exists' },
  });
});

test.each([
  'javascript:alert(1)',
  'ftp://example.com/',
  '//example.com',
  '/local',
  'https://',
  'https:example.com',
  'https://user@example.com/',
  'https://user:pw@example.com/',
  'java\tscript:alert(1)',
  'https:\\\\example.com',
  'https://exa mple.com/',
  'https://example.com/\n',
  'data:text/html,x',
  `https://example.com/${'a'.repeat(2048)}`,
])('the url %j is refused', async (url) => {
  const answer = await create({ url });
  expect(answer).toMatchObject({ status: 400, body: { error_code: 10001, details: [{ field: 'url' }] } });
});

test('the error of a url is in both languages', async () => {
  const bad = wish({ url: 'javascript:alert(1)' });
  expect((await manager.post(path, bad)).body).toMatchObject({ message: 'only http and https' });
  expect((await manager.post(path, bad, { 'accept-language': 'zh' })).body).toMatchObject({
    message: '仅支持http和https',
    details: [{ field: 'url', message: '仅支持http和https' }],
  });
});

test.each([
  'a.jpg',
  '//example.com/a.jpg',
  '/imgs/../secret',
  '/imgs/%2e%2e/secret',
  '/imgs\\a.jpg',
  '',
  '/imgs/%zz',
  'data:image/png;base64,AA',
  '/imgs/a\tb.jpg',
  `/${'a'.repeat(512)}`,
  '/\\example.com',
  'https://u@example.com/a',
])('the image %j is refused', async (img) => {
  expect(await create({ img })).toMatchObject({
    status: 400,
    body: { error_code: 10001, details: [{ field: 'img' }] },
  });
});

test.each(['/imgs/a.jpg', '/imgs/%E5%9B%BE.png', 'https://cdn.example.com/a..b.png', 'HTTP://example.com/x'])(
  'the image %j is kept as it was sent',
  async (img) => {
    expect(await create({ img })).toMatchObject({ status: 201, body: { img } });
  },
);

test.each([
  { name: '' },
  { name: 'a'.repeat(65) },
  { position: -1 },
  { position: 10_001 },
  { creator: 'x' },
  { id: 5 },
])('%j is refused', async (part) => {
  expect(await create(part)).toMatchObject({ status: 400, body: { error_code: 10001 } });
});

test('viewing allows no change, and without the module’s switch everything is refused', async () => {
  const { body } = await create();
  const refused = { status: 403, body: { message: 'not allowed: manage_navigator' } };
  expect(await viewer.post(path, wish())).toMatchObject(refused);
  expect(await viewer.patch(`${path}${body.id}/`, { position: 1 })).toMatchObject(refused);
  expect(await viewer.delete(`${path}${body.id}/`)).toMatchObject(refused);
  const nobody = await t.user();
  expect(await nobody.get(path)).toMatchObject({ status: 403, body: { message: 'not allowed: enable_navigator' } });
});

test('there are at most 500, even with concurrent creations', async () => {
  const { count } = (await viewer.get<List>(path)).body;
  const rows = Array.from({ length: 498 - count }, () => ({ ...wish(), creator: 'test' }));
  await t.db.insertInto('externalNavigators').values(rows).execute();
  const answers = await Promise.all(Array.from({ length: 5 }, () => create()));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
  await t.db.deleteFrom('externalNavigators').where('creator', '=', 'test').execute();
});

describe('images', () => {
  let folder: string;
  let app: ReturnType<typeof createApp>;
  const get = (name: string, method = 'GET') => app.request(`/imgs/${name}`, { method });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-images-'));
    const imagesDir = join(folder, 'images');
    mkdirSync(join(imagesDir, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'secret.png'), 'secret');
    writeFileSync(join(imagesDir, 'a.png'), 'a png');
    writeFileSync(join(imagesDir, 'sub', '图.SVG'), '<svg/>');
    writeFileSync(join(imagesDir, 'page.html'), '<script>');
    writeFileSync(join(imagesDir, '.hidden.png'), 'hidden');
    mkdirSync(join(imagesDir, 'folder.png'));
    symlinkSync(join(folder, 'secret.png'), join(imagesDir, 'link.png'));
    app = createApp(t.deps);
    mountImages(app, { imagesDir });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are served with their type, under a policy that runs no script', async () => {
    const png = await get('a.png');
    expect([png.status, await png.text()]).toEqual([200, 'a png']);
    expect(Object.fromEntries(png.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '5',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^default-src 'none';.*sandbox$/) as string,
    });
    const svg = await get(`sub/${encodeURIComponent('图.SVG')}`);
    expect([svg.status, svg.headers.get('content-type'), await svg.text()]).toEqual([200, 'image/svg+xml', '<svg/>']);
    const head = await get('a.png', 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
  });

  test.each([
    'b.png',
    'page.html',
    '.hidden.png',
    'link.png',
    'folder.png',
    'sub/',
    '',
    '..%2fsecret.png',
    '%2e%2e/secret.png',
    'sub/..%2f..%2fsecret.png',
    '..%5csecret.png',
    'a.png%00',
    '%zz',
    `${'a'.repeat(5_000)}.png`,
  ])('%j is not found', async (name) => {
    const answer = await get(name);
    expect([answer.status, await answer.json()]).toMatchObject([404, { error_code: 10004 }]);
  });
});
