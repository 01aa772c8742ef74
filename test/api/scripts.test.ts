import { createJinja } from '../../kit/jinja/index.ts';
import { unique } from '../support/harness.ts';
import { loneSurrogate, oddTexts } from '../support/odd-texts.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, refusal, type Page } from '../support/api/inventory.ts';

let t: TestApp;
let manager: TestUser;
let admin: TestUser;
beforeAll(async () => {
  t = await testApp({ jinja: createJinja() });
  manager = await t.user({ system: ['enable_deploy_template_mgmt', 'create_app'] });
  admin = await t.user({ admin: true });
});
afterAll(() => t.close());

interface Script {
  id: number;
  name: string;
  content: string;
  [field: string]: unknown;
}

const path = '/application/deploy-scripts/';
const fields = (more: object = {}) => ({
  name: `script-${unique()}`,
  language: 'bash',
  content: 'echo {{ version }}',
  ...more,
});
const make = (by: TestUser, more: object = {}) => created<Script>(by, path, fields(more));

describe('deploy scripts', () => {
  test('are made, changed, shown and deleted, each with its record', async () => {
    const script = await make(manager);
    expect(script).toMatchObject({ creator: manager.username, language: 'bash', template_engine: 'jinja' });
    const changed = await manager.patch<Script>(`${path}${script.id}/`, { language: 'python', content: 'print(1)' });
    expect(changed.body).toMatchObject({ id: script.id, language: 'python', content: 'print(1)' });
    expect((await manager.get(`${path}${script.id}/`)).body).toEqual(changed.body);
    await manager.patch(`${path}${script.id}/`, { language: 'python' });
    expect((await manager.delete(`${path}${script.id}/`)).body).toEqual({ message: 'success' });
    expect((await manager.get(`${path}${script.id}/`)).status).toBe(404);
    const records = await recordsOf(t.db, 'script', script.id);
    expect(records.map((one) => `${one.view} ${one.opType}`)).toEqual([
      'operations create',
      'operations update',
      'operations delete',
    ]);
    expect(records[1]?.changes).toMatchObject({ language: ['bash', 'python'] });
  });

  test('the documented codes: name 30001, language 30002, engine 30003', async () => {
    const { name } = await make(manager);
    const other = await make(manager);
    expect(refusal(await manager.post(path, fields({ name })))).toEqual([500, 30001]);
    expect(refusal(await manager.patch(`${path}${other.id}/`, { name }))).toEqual([500, 30001]);
    expect(refusal(await manager.post(path, fields({ language: 'perl' })))).toEqual([500, 30002]);
    expect(refusal(await manager.post(path, fields({ template_engine: 'erb' })))).toEqual([500, 30003]);
  });

  test.each([
    ['name', ''],
    ['name', 'x'.repeat(129)],
    ['language', undefined],
    ['language', 7],
    ['content', ''],
    ['content', undefined],
    ['content', 'é'.repeat(32 * 1024 + 1)],
    ['content', ['echo']],
    ['id', 4],
    ['update_time', '2026-01-01T00:00:00Z'],
  ])('a bad %s is 10001 (%#)', async (field, value) => {
    expect(refusal(await manager.post(path, fields({ [field]: value })))).toEqual([400, 10001, field]);
  });

  test('a syntax error of the template is 10001 with its line, and the script is not stored', async () => {
    const body = fields({ content: 'echo a\n{% if x %}\necho {{ y }' });
    const answer = await manager.post<{ details: { field: string; message: string }[] }>(path, body);
    expect(refusal(answer)).toEqual([400, 10001, 'content']);
    expect(answer.body.details[0]?.message).toMatch(/^line 3: /);
    expect((await manager.get<Page>(`${path}?name=${body.name}`)).body.count).toBe(0);
  });

  test.each(oddTexts)(
    '$name: what is kept of the text is in the answer, with what was taken out of it',
    async (odd) => {
      const content = odd.bytes.toString('utf8');
      if (odd.script === null) {
        // Invalid UTF-8 never becomes a text; this is a client's conversion of it.
        if (!content.includes('\ufffd'))
          expect(refusal(await manager.post(path, fields({ content })))).toEqual([400, 10001, expect.anything()]);
        return;
      }
      const { saved, normalized } = odd.script;
      const made = await manager.post<Script>(path, fields({ content }));
      const says = normalized.length > 0 ? { normalized } : {};
      expect(made.body).toMatchObject({ content: saved, ...says });
      expect('normalized' in made.body).toBe(normalized.length > 0);
      const one = `${path}${made.body.id}/`;
      expect((await manager.get<Script>(one)).body.content).toBe(saved);
      // The same text again has no effect, and the response lists again what was removed.
      expect((await manager.patch<Script>(one, { content })).body).toMatchObject({ content: saved, ...says });
      expect(await recordsOf(t.db, 'script', made.body.id)).toHaveLength(1);
    },
  );

  test('a lone surrogate is refused, and so is a text of only a BOM', async () => {
    for (const content of [loneSurrogate, '\ufeff'])
      expect((await manager.post(path, fields({ content }))).status).toBe(400);
  });

  test.each([
    ['a filter', 'a\n{{ version|uper }}', 'line 2: the filter uper is not known'],
    ['a method', 'a\n{{ version.uper() }}', 'line 2: the method uper is not known'],
    ['a test', 'a\n{% if version is uper %}{% endif %}', 'line 2: the test uper is not known'],
    ['a function', 'a\n{{ uper(version) }}', 'line 2: the function uper is not known'],
    ['a filter named by another', 'a\n{{ [version]|map("uper") }}', 'line 2: the filter uper is not known'],
    ['another template', 'a\n{% include "b" %}', 'line 2: include is not possible'],
    ['free text that stands raw', 'a\n# {{ task.description }}', 'line 2: task.description is free text'],
    ['an interpreter of another language', '#!/usr/bin/env python3\nx', 'line 1: the first line names python3'],
    ['no shell', '#!/usr/bin/perl -w\nx', 'line 1: the first line names /usr/bin/perl'],
  ])('%s that is not known is refused at saving, with its line and name', async (_, content, message) => {
    const answer = await manager.post<{ details: { field: string; message: string }[] }>(path, fields({ content }));
    expect(refusal(answer)).toEqual([400, 10001, 'content']);
    expect(answer.body.details[0]?.message).toContain(message);
  });

  test('another language alone is looked at with the text that stays', async () => {
    const script = await make(manager, { language: 'python', content: 'print({{ task.description|tojson }})' });
    const answer = await manager.patch(`${path}${script.id}/`, { language: 'bash' });
    expect(refusal(answer)).toEqual([400, 10001, 'content']);
    for (const content of ['#!/bin/bash -e\ntrue', '#!/usr/bin/env -S bash -e\n', '#!/bin/sh', '#!{{ version }}'])
      expect((await make(manager, { content }))['content']).toBe(content);
  });

  test('template users may look, managers make, creators and administrators change', async () => {
    const script = await make(manager);
    const app = await anApplication(manager);
    const deployer = await t.user({ application: { [app]: ['deploy_app'] } });
    const viewer = await t.user({ application: { [app]: ['view_app'] } });
    const other = await t.user({ system: ['enable_deploy_template_mgmt'] });
    const one = `${path}${script.id}/`;
    expect((await deployer.get(one)).status).toBe(200);
    expect(refusal(await viewer.get(one))).toEqual([403, 10003]);
    expect(refusal(await viewer.get(path))).toEqual([403, 10003]);
    expect(refusal(await deployer.post(path, fields()))).toEqual([403, 10003]);
    for (const call of [other.patch(one, { name: 'x' }), other.delete(one)])
      expect(refusal(await call)).toEqual([403, 10003]);
    expect((await admin.patch(one, { content: 'true' })).status).toBe(200);
    expect(refusal(await manager.patch(`${path}99999/`, { name: 'x' }))).toEqual([404, 10004]);
  });

  test('a creator is named by an administrator only', async () => {
    expect(refusal(await manager.post(path, fields({ creator: admin.username })))).toEqual([403, 10003]);
    expect((await make(admin, { creator: manager.username }))['creator']).toBe(manager.username);
    expect(refusal(await admin.post(path, fields({ creator: 'nobody-there' })))).toEqual([400, 10001, 'creator']);
  });

  test('filters: creator exact, name and content anywhere', async () => {
    const script = await make(manager, { content: `echo needle-${unique()}` });
    const count = async (query: string) => (await manager.get<Page>(`${path}?${query}`)).body.count;
    expect(await count(`content=${script.content.slice(5)}&language=bash&creator=${manager.username}`)).toBe(1);
    expect(await count(`name=${script.name}&creator=${manager.username.slice(1)}`)).toBe(0);
    expect((await manager.get(`${path}?language=perl`)).status).toBe(400);
  });

  test('one in use is not deleted; who uses it is shown as far as the caller may view it', async () => {
    const script = await make(manager);
    const [own, hidden] = [await anApplication(manager), await anApplication(admin)];
    for (const [by, app] of [
      [manager, own],
      [admin, hidden],
    ] as const) {
      const hooks = { lifecycle_hooks: { pre_exec: { script: script.id } } };
      expect((await by.patch(`/applications/${app}/deploy-settings/`, hooks)).status).toBe(200);
    }
    const used = await manager.get<Page>(`${path}${script.id}/applications/`);
    expect(used.body).toMatchObject({ count: 1, results: [{ id: own }] });
    const refused = await manager.delete(`${path}${script.id}/`);
    expect([...refusal(refused), refused.body['message']]).toEqual([
      409,
      10005,
      'the script is used by 2 settings or templates',
    ]);
  });
});
