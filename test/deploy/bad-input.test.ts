// Any invalid input gets the documented error and leaves no partial change.
import { sql } from 'kysely';
import { makeEstate, placePackage, startedTask, makeTask, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { act, outcome, revert, taskPath, upgrade } from '../support/deploy/acts.ts';
import type { Action, SubTaskWish } from '../support/deploy/acts.ts';

let world: World;
let estate: TestEstate;
let inReview: number;
let running: number;
let valid: Record<string, unknown>;
beforeAll(async () => {
  world = await testWorld();
  estate = await makeEstate(world, 1);
  inReview = await makeTask(world, estate);
  running = await startedTask(world, estate);
  valid = {
    application_id: estate.applicationId,
    version: '1.0.0',
    level: 'A',
    package_source: await placePackage(world, estate, '1.0.0'),
    planned_exec_time: Math.floor(Date.now() / 1000),
  };
});
afterAll(() => world.close());

const tables = [
  'deploy_tasks',
  'deploy_plans',
  'votes',
  'delegations',
  'request_events',
  'outbox',
  'tasks',
  'task_results',
  'task_scripts',
  'task_output',
];

/** How many rows there are of everything, and what state tasks and instances are in. */
async function everything(): Promise<unknown> {
  const counts = await Promise.all(
    tables.map(async (name) => (await sql`select count(*) as n from ${sql.table(name)}`.execute(world.db)).rows),
  );
  const tasks = await world.db.selectFrom('deployTasks').selectAll().orderBy('id').execute();
  const instances = await world.db.selectFrom('instances').selectAll().orderBy('id').execute();
  return { counts, tasks, instances };
}

let before: unknown;
beforeEach(async () => {
  before = await everything();
});
afterEach(async () => {
  expect(await everything()).toEqual(before);
});

const hostileVersions = [
  '',
  '.',
  '..',
  '../1',
  '1/2',
  '/etc',
  '-rf',
  '.hidden',
  'a b',
  'a;b',
  '$(id)',
  '`id`',
  'a|b',
  'a&b',
  "a'b",
  'a"b',
  'a\nb',
  '1.0\n',
  '\r',
  'a\0b',
  'ä',
  '版本',
  '\u202e1',
  'x'.repeat(129),
  '{{ 7 * 7 }}',
  '%2e%2e',
  'a\\b',
  '*',
];
const wrongTypes = [null, true, [], {}, ['1.0'], { id: 1 }];

const wrongFields: [string, readonly unknown[]][] = [
  ['version', [...hostileVersions, ...wrongTypes, -1, undefined]],
  ['level', ['X', 'a', '', 'SA', 1, ...wrongTypes, undefined]],
  ['package_source', ['', '..', '/a/../b', '../x', 'a\0b', 'x'.repeat(1001), 7, ...wrongTypes, undefined]],
  [
    'planned_exec_time',
    [
      'tomorrow',
      '',
      '2026-13-45T00:00:00Z',
      '1e999',
      1e18,
      1e300,
      -1e18,
      Math.floor(Date.now() / 1000) + 367 * 86_400,
      1.5e12,
      ...wrongTypes,
      undefined,
    ],
  ],
  ['description', ['x'.repeat(2001), 'a\0b', 7, ...wrongTypes]],
  ['upgrade_checklist', ['x'.repeat(10_001), 'a\0b', 7, ...wrongTypes]],
  ['upgrade_steps', ['x'.repeat(10_001), 'a\0b']],
  ['rollback_steps', ['x'.repeat(10_001), 'a\0b']],
  ['strategy', ['manual', { mode: 'sometimes' }, { mode: 'manual', more: 1 }, 7, null, []]],
  ['auto_start', ['yes', 1, null, {}]],
  ...(['id', 'status', 'creator', 'owner', 'plan_hash', 'approvals', 'nothing_known', '__proto__x'] as const).map(
    (name): [string, readonly unknown[]] => [name, [1, 'x', null]],
  ),
];

test.each(wrongFields)('a new task with a wrong %s is refused with 10001 naming the field', async (field, values) => {
  for (const value of values) {
    const answer = await estate.manager.post('/application/deploy-tasks/', { ...valid, [field]: value });
    expect([value, ...outcome(answer)]).toEqual([value, 400, 10001]);
    expect([value, JSON.stringify(answer.body['details'])]).toEqual([value, expect.stringContaining(field)]);
  }
});

test('a task for a missing application is refused, however it is named', async () => {
  const create = async (applicationId: unknown): Promise<[number, number]> =>
    outcome(await estate.manager.post('/application/deploy-tasks/', { ...valid, application_id: applicationId }));
  for (const id of [10 ** 12, 999_999_999_999]) expect([id, ...(await create(id))]).toEqual([id, 404, 10004]);
  for (const id of [0, -1, 1.5, 1e15, 1e18, '1e3', 'x', '', null, [], {}, true, undefined])
    expect([id, ...(await create(id))]).toEqual([id, 400, 10001]);
});

test.each(wrongFields.filter(([, values]) => values.length > 1))(
  'a change with a wrong %s is refused with 10001',
  async (field, values) => {
    for (const value of values.filter((one) => one !== undefined)) {
      const answer = await estate.manager.patch(taskPath(inReview), { [field]: value });
      expect([value, ...outcome(answer)]).toEqual([value, 400, 10001]);
    }
  },
);

test('a change of nothing, or of the application, is refused with 10001', async () => {
  for (const body of [{}, [], 'x', 7, { application_id: estate.applicationId }])
    expect([body, ...outcome(await estate.manager.patch(taskPath(inReview), body))]).toEqual([body, 400, 10001]);
});

describe('invalid bodies', () => {
  const root = '/application/deploy-tasks/';
  const send = (text: string, type = 'application/json') => estate.manager.post(root, text, { 'content-type': type });

  test('are refused with 10001, what is not JSON with 10010, what is too large with 10007', async () => {
    for (const text of ['{', '{"a":', 'nonsense', '[]', 'null', '"x"', '7', '{"version":"1"}{"version":"2"}', '\0'])
      expect([text, ...outcome(await send(text))]).toEqual([text, 400, 10001]);
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x'])
      expect([type, ...outcome(await send(JSON.stringify(valid), type))]).toEqual([type, 415, 10010]);
    const huge = JSON.stringify({ ...valid, description: 'x'.repeat(1_100_000) });
    expect(outcome(await send(huge))).toEqual([413, 10007]);
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    expect(outcome(await send(deep))).toEqual([400, 10001]);
  });
});

describe('ids in the path', () => {
  test('that name nothing are 404 or 400 for every action, never an internal error', async () => {
    const ids = [
      '0',
      '-1',
      'x',
      '1.5',
      '1e3',
      String(10 ** 18),
      '9'.repeat(40),
      '%00',
      '1%27',
      '%E0%A4%A',
      '999999999999',
    ];
    for (const id of ids) {
      const path = `/application/deploy-tasks/${id}/`;
      const answers = [
        await estate.manager.get(path),
        await estate.manager.patch(path, { description: 'x' }),
        await estate.reviewer.post(`${path}actions/approve/`),
        await estate.manager.post(`${path}sub-upgrade-tasks/`, {}),
        await estate.manager.get(`${taskPath(running)}sub-tasks/${id}/output/`),
        await estate.manager.get(`${taskPath(running)}sub-upgrade-tasks/${id}/`),
      ];
      for (const { status } of answers) expect([id, [400, 404].includes(status), status]).toEqual([id, true, status]);
    }
  });
});

const wrongActions: [Action, readonly unknown[]][] = [
  [
    'approve',
    [{ plan_hash: 7 }, { plan_hash: 'f'.repeat(65) }, { plan_hash: null }, { more: 1 }, [], 'x', { reason: 7 }],
  ],
  ['reject', [{ reason: 'x'.repeat(1001) }, { reason: 'a\0b' }, { plan_hash: 'x' }, []]],
  ['start', [{ force: 'yes' }, { force: 1 }, { force: null }, { at: 1 }, { reason: {} }, []]],
  ['close', [{ reason: [] }, { force: true }, 7]],
  ['delegate', [{}, { user_id: 'x' }, { user_id: 1e18 }, { user_id: -1 }, { user_id: [1] }, { user: 1 }, null]],
];

test.each(wrongActions)('%s with a wrong body is refused with 10001', async (action, bodies) => {
  const id = action === 'start' ? running : inReview;
  const user = action === 'start' || action === 'close' ? estate.manager : estate.reviewer;
  for (const body of bodies) {
    const answer = await act(user, id, action, body === null ? 'null' : body);
    expect([action, body, ...outcome(answer)]).toEqual([action, body, 400, 10001]);
  }
});

test('sub-tasks with wrong fields are refused with 10001', async () => {
  const [one = 0] = estate.instanceIds;
  const wrong: Record<string, readonly unknown[]> = {
    instances: [
      null,
      {},
      'x',
      [null],
      [{}],
      [{ id: 'x' }],
      [{ id: 1e18 }],
      [{ id: -1 }],
      [{ id: one, more: 1 }],
      [[one]],
    ],
    version: hostileVersions,
    timeout: [0, -5, 1e9, 'x', null, '10s', 1.5, {}],
    update_source: ['', '/a/../b', 'a\0b', 'x'.repeat(1001), null, 7],
    nothing_known: [1],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const wish = { [field]: value } as SubTaskWish;
      expect([field, value, ...outcome(await upgrade(estate, running, wish))]).toEqual([field, value, 400, 10001]);
      if (field !== 'nothing_known') expect(outcome(await revert(estate, running, wish))).toEqual([400, 10001]);
    }
  }
  const many = Array.from({ length: 501 }, (_, index) => ({ id: index + 1 }));
  expect(outcome(await upgrade(estate, running, { instances: many }))).toEqual([400, 10001]);
});

test('filters and pages with wrong values are refused with 10001', async () => {
  const wrong = [
    'level=X',
    'status=nothing',
    'application=x',
    'application=-1',
    'page=0',
    'page=-1',
    'page=x',
    'page_size=0',
    'page_size=1001',
    'time__gt=yesterday',
    'mine=perhaps',
    'nothing_known=1',
    'application=1000000000000000000',
  ];
  for (const query of wrong)
    expect([query, ...outcome(await estate.manager.get(`/application/deploy-tasks/?${query}`))]).toEqual([
      query,
      400,
      10001,
    ]);
  const output = `${taskPath(running)}sub-tasks/1/output/`;
  for (const query of ['after=-1', 'after=x', 'limit=0', 'limit=10001', 'stream=none'])
    expect([query, ...outcome(await estate.manager.get(`${output}?${query}`))]).toEqual([query, 400, 10001]);
  for (const text of ['%', '_', "'; drop table users; --", '\\'])
    expect(
      (await estate.manager.get(`/application/deploy-tasks/?version=${encodeURIComponent(text)}`)).body,
    ).toMatchObject({
      count: 0,
    });
});
