// No text exists in English only: walks every schema of every operation, and requests each kind of text once through the API.
// The tables themselves: test/kit/messages.test.ts.
import { endpoints } from '../../api/areas.ts';
import { createJinja } from '../../kit/jinja/index.ts';
import { builtInPolicy } from '../../workflows/approvals/contract.ts';
import { waitingOn } from '../../workflows/deploy/policy.ts';
import { render, renderReason } from '../../kit/messages/message.ts';
import { issueMessage } from '../../api/operations/issue.ts';
import { unique } from '../support/harness.ts';
import { makeApplication, testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, type RefusalBody } from '../support/api/inventory.ts';

const han = /\p{Script=Han}/u;

/** The schemas' own messages; zod's come in the caller's language. */
function messagesOf(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  const { _zod: inner, ...rest } = value as { _zod?: { def?: object } };
  const def: Record<string, unknown> = { ...inner?.def };
  const { error } = def;
  const own: unknown = typeof error === 'function' ? (error as (issue: object) => unknown)({}) : undefined;
  const parts = inner ? [...Object.values(def), def['shape']] : Object.values(rest);
  return [...(typeof own === 'string' ? [own] : []), ...parts.flatMap((part) => messagesOf(part, seen))];
}

test('every message of every schema has a key', () => {
  const found = endpoints.flatMap(({ query, body, params }) => messagesOf([query, body, params]));
  const messages = [...new Set(found)];
  expect(messages.length).toBeGreaterThan(30);
  const said = messages.map(issueMessage);
  expect(said.filter((one) => typeof one === 'string' || !han.test(render(one, 'zh')))).toEqual([]);
});

describe('in Chinese', () => {
  let t: TestApp;
  let admin: TestUser;
  const zh = { 'accept-language': 'zh' };
  beforeAll(async () => {
    t = await testApp({ jinja: createJinja() });
    admin = await t.user({ admin: true });
  });
  afterAll(() => t.close());

  const said = ({ body: { message, details } }: { body: RefusalBody }) => [
    message,
    ...(details ?? []).map((one) => one.message),
  ];
  const script = () => ({ name: `s-${unique()}`, language: 'bash', content: 'true' });

  test.each<[string, string, () => object, string[]]>([
    ['a field that is not known', '/auth-tokens/', () => ({ name: 'a', colour: 1 }), ['参数错误', '未知字段']],
    ["zod's own", '/auth-tokens/', () => ({ name: 'x'.repeat(65) }), ['参数错误', '数值过大：期望 string <=64 字符']],
    ["a schema's", '/applications/', () => ({ name: 'a', directory: 'srv' }), ['参数错误', '必须是绝对路径']],
    ['a list with one twice', '/applications/', () => ({ name: 'a', child_apps: [7, 7] }), ['参数错误', '重复']],
    [
      'an object that is not there',
      '/applications/',
      () => ({ name: `a-${unique()}`, required_apps: [987_654] }),
      ['应用 不存在: 987654', '应用 不存在: 987654'],
    ],
    [
      'a mistake in a script',
      '/application/deploy-scripts/',
      () => ({ ...script(), content: 'a\n{% if %}' }),
      ['参数错误', expect.stringMatching(/^第 2 行: /)],
    ],
    ['a body that is no JSON', '/auth-tokens/', () => '{' as unknown as object, ['参数错误', '不是有效的 JSON']],
  ])('%s', async (_what, path, body, expected) => {
    expect(said(await admin.post<RefusalBody>(path, body(), zh))).toEqual(expected);
  });

  test('errors thrown with a value, and problems with a word as a parameter, are translated', async () => {
    const app = await anApplication(admin);
    const path = `/applications/${app}/deploy-settings/`;
    const patch = (body: object) => admin.patch<RefusalBody>(path, body, zh);
    const url = 'ftp://files.example.com/';
    const repository = { type: 'GIT', url, branch: 'main', credential: null };
    expect(said(await patch({ repository }))).toEqual(['参数错误', '必须是不含用户名和密码的 GIT 地址']);
    expect(said(await patch({ lifecycle_hooks: { pre_exec: { script: 987_654 } } }))).toEqual([
      '脚本 不存在: 987654',
      '脚本 不存在: 987654',
    ]);
    expect(said(await admin.post<RefusalBody>(`${path}template/`, { id: 987_654 }, zh))[0]).toBe('模板 不存在: 987654');
  });

  test('the reason that a deploy task waits and the missing approvals are translated', async () => {
    const app = await makeApplication(t.db);
    await t.db.insertInto('deploySettings').values({ applicationId: app, creator: 'test' }).execute();
    const { id } = await t.db
      .insertInto('deployTasks')
      .values({
        applicationId: app,
        creatorId: admin.id,
        ownerId: admin.id,
        version: '1',
        level: 'A' as const,
        packageSource: '/p',
        plannedExecTime: new Date(),
        requiredApprovals: 2,
        planHash: 'h',
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const { body } = await admin.get<{ waiting_on: { text: string }; approvals: { missing: string } }>(
      `/application/deploy-tasks/${id}/`,
      zh,
    );
    expect(body.waiting_on.text).toBe(
      `还需 2 个批准, 由拥有 review_app_deploy_task 权限的用户给出, 创建人 ${admin.username} 除外`,
    );
    expect(body.approvals.missing).toBe('还需 2 个批准, 由拥有 review_app_deploy_task 权限的用户给出');
    const english = await admin.get<typeof body>(`/application/deploy-tasks/${id}/`);
    expect(english.body.approvals.missing).toBe('2 more by holders of review_app_deploy_task');
  });

  test('every state in which a deploy task can wait is translated', () => {
    const view = {
      creator: 'ann',
      owner: 'li',
      engineError: null,
      creatorId: 1,
      ownerId: 2,
      version: '1',
      seq: 1,
      planRound: 1,
      planHash: 'h',
      votes: [],
      runningSubTasks: [],
      reviewers: [],
      expires: null,
      kind: 'deploy_task' as const,
      policy: builtInPolicy(1),
      changedById: null,
      escalated: false,
      brokeGlassById: null,
      plannedExecTime: new Date(0),
      rolling: false,
      paused: false,
      heldBy: null,
      heldUntil: null,
      autoStart: false,
      inFront: null,
      trouble: null,
      nextBatchTime: null,
    };
    const later = { plannedExecTime: new Date(9e12) };
    const said_ = [
      { status: 'wait_review' as const },
      { status: 'wait_review' as const, planHash: null },
      { status: 'approved' as const },
      { status: 'approved' as const, ...later },
      { status: 'running' as const },
      { status: 'approved' as const, ...later, autoStart: true },
      { status: 'approved' as const, autoStart: true },
      { status: 'approved' as const, autoStart: true, inFront: 5 },
      { status: 'approved' as const, heldBy: 3 },
      { status: 'approved' as const, heldBy: 3, heldUntil: new Date(9e12) },
      { status: 'running' as const, runningSubTasks: [7] },
      { status: 'running' as const, rolling: true },
      { status: 'running' as const, rolling: true, paused: true },
      { status: 'running' as const, rolling: true, heldBy: 3 },
      { status: 'running' as const, rolling: true, heldBy: 3, heldUntil: new Date(9e12) },
    ].map((part) => waitingOn({ ...view, ...part }, new Date(1))?.text ?? '');
    expect(said_.filter((text) => !han.test(renderReason(text, 'zh')))).toEqual([]);
  });

  test('names of users and objects are not translated', async () => {
    const { name } = await created<{ id: number; name: string }>(admin, '/application/deploy-scripts/', script());
    const { body } = await admin.post<RefusalBody>('/application/deploy-scripts/', { ...script(), name }, zh);
    expect(body.message).toBe('脚本名称已存在');
    const templates = '/application/deploy-templates/';
    const template = { name: 'user', repository: null, deploy_path: '/srv/user' };
    await created(admin, templates, template);
    expect((await admin.post<RefusalBody>(templates, template, zh)).body.message).toBe('名称 "user" 已存在');
  });
});
