// The words of messages: complete in both languages, used, filled once, and still found for sentences from before there were keys.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditText, auditTexts } from '../../kit/messages/audit-text.ts';
import { fill, namesIn } from '../../kit/messages/fill.ts';
import { asItIs, msg, problemMessages, problemText, render, texts } from '../../kit/messages/message.ts';
import { former } from '../../kit/messages/sentences.ts';
import { fromWire, listOf, Problem, problems, say, sentence, toWire } from '../../workflows/problems/problem.ts';
import type { Message } from '../../workflows/problems/problem.ts';
import { sentences } from '../../workflows/problems/message.ts';

/** The parameters whose values stand in a pattern, not only the form of a word. */
const shownIn = (pattern: string): string[] => namesIn(pattern.replace(/\{\w+:[^}]*\}/g, '')).sort();

const root = join(import.meta.dirname, '..', '..');

type Pair = Readonly<Record<'en' | 'zh', string>>;
const han = /\p{Script=Han}/u;
// Patterns that hold parameters alone.
const bare = new Set(['list', 'as_it_is', 'request_step', 'request_step_because', 'both', 'refused']);
const unsaid = new Set(['retry_after', 'allow']);

describe.each<[string, Readonly<Record<string, Pair>>]>([
  ['problems', problemMessages],
  ['texts', texts],
  ['audit records', auditTexts],
])('every key of %s', (_what, table) => {
  test.each(Object.entries(table))('%s has both languages with the same parameters', (key, { en, zh }) => {
    expect(han.test(zh) || bare.has(key)).toBe(true);
    expect(han.test(en)).toBe(false);
    // Chinese has no plural forms.
    expect(namesIn(en)).toEqual(expect.arrayContaining(namesIn(zh)));
    expect(shownIn(zh)).toEqual(shownIn(en));
  });
});

test('the problems have messages with exactly the parameters that they declare', () => {
  expect(Object.keys(problemMessages).sort()).toEqual(Object.keys(problems).sort());
  for (const [key, { params }] of Object.entries(problems)) {
    const said = (params as readonly string[]).filter((name) => !unsaid.has(name)).sort();
    expect([key, namesIn(problemMessages[key as keyof typeof problems].en).sort()]).toEqual([key, said]);
  }
});

test('the sentences of workflows have words with exactly the parameters that they declare', () => {
  for (const [key, params] of Object.entries(sentences)) {
    if (key === 'sentence') continue;
    expect([key, namesIn(texts[key as keyof typeof texts].en).sort()]).toEqual([key, [...params].sort()]);
  }
});

test('a key means one message', () => {
  const keys = [...Object.keys(problemMessages), ...Object.keys(texts), 'sentence'];
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test('every key is used', () => {
  const tables = /^kit\/messages\/(?:problems|texts|audit)\/|^workflows\/(?:problems|hosts\/problems)/;
  const paths = ['activities', 'api', 'db', 'kit', 'workflows'].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((path) => `${room}/${path}`),
  );
  const sources = paths.filter((path) => path.endsWith('.ts') && !tables.test(path));
  const code = sources.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
  // Keys that are put together of a closed list.
  const composed = [
    /^(?:event|kind|status)_/,
    /^(?:script|template|credential)_(?:created|changed|deleted)$/,
    /^freeze_/,
    /^host_(?:at|de)tached$/,
  ];
  const keys = [...Object.keys(problemMessages), ...Object.keys(texts), ...Object.keys(auditTexts)];
  const unused = keys.filter((key) => !code.includes(`'${key}'`) && !composed.some((one) => one.test(key)));
  expect(unused).toEqual([]);
});

describe('parameters', () => {
  const hostile = [
    '{policy}',
    '{n:one|many}',
    '$&',
    '$1',
    '{{name}}',
    'no such role: 7',
    'the plan',
    'sub-task 3 is running',
  ];

  test.each(hostile)('a value that looks like a template is put in as it is: %s', (value) => {
    const params = { thing: 'user', id: value } as const;
    expect(render(new Problem('no_such', params).said, 'en')).toBe(`no such user: ${value}`);
    expect(render(new Problem('no_such', params).said, 'zh')).toBe(`用户 不存在: ${value}`);
    expect(render(new Problem('package_unread', { reason: value }).said, 'zh')).toBe(`无法读取安装包: ${value}`);
    const nested = say('not_by_creator', { mistake: say('more_of_role', { n: 2, role: value }), creator: value });
    expect(render(nested, 'zh')).toBe(`还需角色 ${value} 的 2 个批准, 创建人 ${value} 除外`);
    expect(auditText('user_created', { name: value })).toEqual({
      en: `user ${value} created`,
      zh: `创建用户 ${value}`,
    });
    expect(fill('{a} and {b}', (name) => (name === 'a' ? '{b}' : 'x'))).toBe('{b} and x');
  });

  test('a value keeps being data after the way through the engine', () => {
    const problem = new Problem('package_unread', { reason: 'the plan' });
    const read = fromWire(JSON.parse(JSON.stringify(toWire(problem))));
    expect(read && render(read.said, 'zh')).toBe('无法读取安装包: the plan');
  });

  test.each([
    [1, '1 approval policy names the role ops'],
    [2, '2 approval policies name the role ops'],
  ])('the form of a word goes with the number %i', (n, expected) => {
    expect(problemText('role_in_policies', { n, name: 'ops' }, 'en')).toBe(expected);
  });

  test('those that are not given stay as names, as the document of the API shows them', () => {
    expect(problemText('too_large', {}, 'en')).toBe('body too large: at most {limit} bytes');
    expect(problemText('role_in_policies', {}, 'en')).toBe('{n} approval policies name the role {name}');
  });

  test('messages stand in messages, in the same language', () => {
    const items = [asItIs('deploy_path'), msg('differs_hook', { name: 'pre_exec' })];
    const { said } = new Problem('back_to_review', { difference: listOf(items) });
    expect(render(said, 'zh')).toBe('计划在批准后已变更; 任务已退回审批: deploy_path, 钩子 pre_exec');
  });
});

/** The wires of problems among the failures of a history. */
function problemsIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const { type, details } = value as { type?: unknown; details?: { payloads?: { data: string }[] } };
  const own = type === 'Problem' ? (details?.payloads ?? []) : [];
  const wires = own.map(({ data }): unknown => JSON.parse(Buffer.from(data, 'base64').toString('utf8')));
  return [...wires, ...Object.values(value).flatMap(problemsIn)];
}

test('a key of a later release is shown as it is', () => {
  expect(render({ key: 'of_tomorrow', params: { n: 1 } }, 'zh')).toBe('of_tomorrow');
  expect(fromWire({ key: 'of_tomorrow', params: {}, details: [] })).toBeUndefined();
  expect(fromWire({ key: 'toString', params: {}, details: [] })).toBeUndefined();
});

describe('sentences from before there were keys', () => {
  test.each(former)('%s is read as %s', (english, key) => {
    expect(Object.hasOwn(texts, key) || Object.hasOwn(problemMessages, key)).toBe(true);
    const filled = english.replace(/\{(\w+)\}/g, (_, name: string) => `<${name}>`);
    const zh = render(sentence(filled), 'zh');
    expect(han.test(zh)).toBe(true);
    expect(zh).not.toMatch(/\{\w+\}/);
    expect(render(sentence(filled), 'en')).toBe(filled);
  });

  // Columns hold the reason why a task is back in review in English: what is written now is read back.
  const missing = say('more_of_role', { n: 1, role: 'boss' });
  test.each<[Message]>([
    [msg('policy_applies_now', { policy: 'p', reason: missing })],
    [msg('policy_demands_level', { policy: 'p', level: 'B' })],
    [msg('policy_lets_break_glass', { policy: 'p', whom: 'x' })],
    [msg('votes_no_longer_count', { users: 'ann and bob', reason: missing })],
    [msg('votes_not_enough', { reason: say('more_of_users', { n: 2, users: 'ann, bob' }) })],
    [
      say('and_plan_differs', {
        reason: msg('votes_not_enough', { reason: missing }),
        difference: listOf([msg('differs_strategy'), msg('differs_repository'), msg('differs_hook', { name: 'a' })]),
      }),
    ],
  ])('a reason that a column keeps in English is read back: %j', (message) => {
    expect(render(sentence(render(message, 'en')), 'zh')).toBe(render(message, 'zh'));
  });

  test('the refusal in a saved history is presented in Chinese', () => {
    const [wire] = problemsIn(JSON.parse(readFileSync(join(root, 'test/histories/deploy-change.json'), 'utf8')));
    const problem = fromWire(wire);
    expect(problem?.problem).toBe('back_to_review');
    expect(problem && render(problem.said, 'zh')).toMatch(
      /^计划在批准后已变更; 任务已退回审批: 钩子 .*, 实例或其版本$/,
    );
  });

  // As they lie in histories and in task_results.
  test.each<[object, string, string[]]>([
    [
      {
        problem: 'approval_gone',
        params: {
          reason:
            'the approval policy two eyes applies now; missing: 1 more of role boss, 2 more by holders of review_app_deploy_task; the plan differs too: deploy_path, hook pre_exec, the machines of web-1, and 3 more',
        },
        details: [],
      },
      '审批已失效; 任务已退回审批: 现适用审批策略 two eyes; 缺少: 还需角色 boss 的 1 个批准, 还需 2 个批准, 由拥有 review_app_deploy_task 权限的用户给出; 计划也有变更: deploy_path, 钩子 pre_exec, 以下实例的机器: web-1, 以及另外 3 个',
      [],
    ],
    [
      {
        problem: 'invalid',
        params: {},
        details: [
          { field: 'lifecycle_hooks.pre_exec', message: 'script "a", line 3: syntax error: x' },
          { field: 'user_id', message: 'must be somebody other than you or the creator' },
          { field: 'other', message: 'nothing that is known here' },
        ],
      },
      '参数错误',
      ['脚本 "a" 第 3 行: 语法错误: x', '不能是您本人或创建人', 'nothing that is known here'],
    ],
    [
      { problem: 'zabbix_failed', params: { reason: 'SLIPWAY_ZABBIX_URL is not set' }, details: [] },
      'zabbix API 调用失败: 未设置 SLIPWAY_ZABBIX_URL',
      [],
    ],
    [{ problem: 'no_such', params: { thing: 'deploy task', id: 7 }, details: [] }, '发布任务 不存在: 7', []],
  ])('a stored problem is presented in Chinese: %#', (wire, message, details) => {
    const problem = fromWire(wire);
    expect(problem && render(problem.said, 'zh')).toBe(message);
    expect(problem?.details.map((one) => render(one.message as Message, 'zh'))).toEqual(details);
  });
});
