import { unique } from '../support/harness.ts';
import { makeApplication, testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { created, recordsOf, refusal, type Page } from '../support/api/inventory.ts';

let t: TestApp;
let admin: TestUser;
let reviewer: TestUser;
let application: number;
let production: number;
beforeAll(async () => {
  t = await testApp({ engine: { signal: () => Promise.resolve() } as never });
  admin = await t.user({ admin: true });
  application = await makeApplication(t.db);
  const line = { name: `line-${unique()}`, creator: 'test' };
  ({ id: production } = await t.db.insertInto('productions').values(line).returning('id').executeTakeFirstOrThrow());
  await t.db.updateTable('applications').set({ productionId: production }).where('id', '=', application).execute();
  reviewer = await t.user({ application: { [application]: ['review_app_deploy_task'] } });
});
afterAll(() => t.close());

interface Freeze {
  id: number;
  active: boolean;
  [field: string]: unknown;
}

const root = '/application/deploy-freezes/';
const hour = 3_600_000;
const around = (from: number, until: number) => ({
  from: new Date(Date.now() + from * hour).toISOString(),
  until: new Date(Date.now() + until * hour).toISOString(),
});
const now = { ...around(-1, 1), reason: 'the sale' };
const freeze = (by: TestUser, more: object = {}) => created<Freeze>(by, root, { ...now, ...more });
const idsOf = (answer: { body: Page<Freeze> }): number[] => answer.body.results.map(({ id }) => id);

test('a freeze is made, changed and ended, each with its record', async () => {
  const one = await freeze(reviewer, { application });
  expect(one).toEqual({
    id: one.id,
    application,
    production: null,
    active: true,
    creator: reviewer.username,
    from: now.from,
    until: now.until,
    reason: 'the sale',
    created_time: one['created_time'],
  });
  const path = `${root}${one.id}/`;
  expect((await reviewer.get(path)).body).toEqual(one);
  const later = around(-1, 5).until;
  expect((await reviewer.patch(path, { until: later, reason: 'a longer sale' })).body).toMatchObject({ until: later });
  await reviewer.patch(path, { reason: 'a longer sale' });
  expect((await reviewer.delete(path)).body).toEqual({ message: 'success' });
  expect(refusal(await reviewer.get(path))).toEqual([404, 10004]);
  const records = await recordsOf(t.db, 'deploy_freeze', one.id);
  expect(records.map(({ view, opType }) => `${view} ${opType}`)).toEqual(Array(3).fill('app change_deploy_setting'));
  expect(records[1]?.changes).toEqual({ until: [now.until, later], reason: ['the sale', 'a longer sale'] });
  expect(records[1]?.detailEn).toContain('"the sale" → "a longer sale"');
});

test('active tells whether the freeze holds now: from is inclusive, until exclusive', async () => {
  const all = [around(-2, -1), around(-1, 1), around(1, 2)];
  const made_ = [];
  for (const period of all) made_.push(await freeze(reviewer, { application, ...period }));
  expect(made_.map(({ active }) => active)).toEqual([false, true, false]);
  const ids = made_.map(({ id }) => id);
  const shown = async (query: string) =>
    idsOf(await reviewer.get<Page<Freeze>>(`${root}?page_size=1000&${query}`)).filter((id) => ids.includes(id));
  expect(await shown('active=true')).toEqual([ids[1]]);
  expect(await shown('active=false')).toEqual([ids[0], ids[2]]);
  expect(await shown('')).toEqual(ids);
  const over = await reviewer.patch(`${root}${ids[0]}/`, { reason: 'too late' });
  expect(refusal(over)).toEqual([409, 10005]);
  expect(over.body['message']).toBe('the freeze is already over');
});

test('callers see global freezes and those of applications that they may view', async () => {
  const stranger = await t.user();
  const ids = {
    everything: (await freeze(admin)).id,
    production: (await freeze(admin, { production })).id,
    application: (await freeze(reviewer, { application })).id,
  };
  const seenBy = async (user: TestUser, query = '') => {
    const found = idsOf(await user.get<Page<Freeze>>(`${root}?page_size=1000${query}`));
    return Object.entries(ids).flatMap(([name, id]) => (found.includes(id) ? [name] : []));
  };
  expect(await seenBy(stranger)).toEqual(['everything']);
  expect(await seenBy(reviewer)).toEqual(['everything', 'production', 'application']);
  expect(await seenBy(reviewer, `&application=${application}`)).toEqual(['everything', 'production', 'application']);
  expect(await seenBy(admin, `&application=${await makeApplication(t.db)}`)).toEqual(['everything']);
  expect(await seenBy(reviewer, `&production=${production}`)).toEqual(['production']);
  expect(refusal(await stranger.get(`${root}${ids.application}/`))).toEqual([404, 10004]);
});

test('callers who may not view the application get 404; a viewer is refused, and so are wider freezes', async () => {
  const viewer = await t.user({ application: { [application]: ['view_app'] } });
  expect(refusal(await (await t.user()).post(root, { ...now, application }))).toEqual([404, 10004]);
  expect(refusal(await viewer.post(root, { ...now, application }))).toEqual([403, 10003]);
  for (const wider of [{}, { production }, { application, production }, { application: null }])
    expect(refusal(await reviewer.post(root, { ...now, ...wider }))).toEqual([403, 10003]);
  const wide = await freeze(admin, { production });
  expect(refusal(await reviewer.patch(`${root}${wide.id}/`, { reason: 'no' }))).toEqual([403, 10003]);
  expect(refusal(await reviewer.delete(`${root}${wide.id}/`))).toEqual([403, 10003]);
});

test.each<[string, object, string[]]>([
  ['both an application and a production', { both: true }, ['production']],
  ['an end before its beginning', around(2, 1), ['until']],
  ['no length', { until: now.from, from: now.from }, ['until']],
  ['more than 366 days', around(0, 24 * 367), ['until']],
  ['a reason of nothing', { reason: ' ' }, ['reason']],
  ['no reason', { reason: undefined }, ['reason']],
  ['too long a reason', { reason: 'x'.repeat(501) }, ['reason']],
  ['no id', { application: 'web' }, ['application']],
  ['an unknown field', { level: 'S' }, ['level']],
])('%s is refused with 10001', async (_what, wish, expected) => {
  const both = 'both' in wish ? { application, production } : wish;
  expect(refusal(await admin.post(root, { ...now, ...both }))).toEqual([400, 10001, ...expected]);
});

test('an unknown production or application is 10004, and a change may not end a period before its start', async () => {
  expect(refusal(await admin.post(root, { ...now, production: 999_999 })).slice(0, 2)).toEqual([404, 10004]);
  expect(refusal(await admin.post(root, { ...now, application: 999_999 })).slice(0, 2)).toEqual([404, 10004]);
  const { id } = await freeze(admin);
  expect(refusal(await admin.patch(`${root}${id}/`, { until: around(-3, -2).until }))).toEqual([400, 10001, 'until']);
  expect(refusal(await admin.patch(`${root}${id}/`, {})).slice(0, 2)).toEqual([400, 10001]);
});
