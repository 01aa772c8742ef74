import { sql } from 'kysely';
import { makeApplication, testApp } from '../support/api/app.ts';
import type { TestApp, TestUser } from '../support/api/app.ts';

let api: TestApp;
let admin: TestUser;
beforeAll(async () => {
  api = await testApp();
  admin = await api.user({ admin: true });
  const applicationId = await makeApplication(api.db);
  await sql`insert into deploy_tasks
    (application_id, creator_id, owner_id, version, level, package_source, planned_exec_time, required_approvals, status)
    select ${applicationId}, ${admin.id}, ${admin.id}, 'v' || n, 'A', '/p.tar.gz', now(), 1, 'closed'
    from generate_series(1, 1205) as n`.execute(api.database.owner);
});
afterAll(() => api.close());

interface Page {
  count: number;
  count_is_estimate?: true;
  next: string | null;
  results: { id: number }[];
}

test('a list beyond its cap marks its count as an estimate, and its links lead through every row once', async () => {
  const first = await admin.get<Page>('/application/deploy-tasks/?page_size=500');
  expect(first.body).toMatchObject({ count_is_estimate: true });
  const seen: number[] = [];
  for (let path: string | null = '/application/deploy-tasks/?page_size=500'; path;) {
    const { body }: { body: Page } = await admin.get<Page>(path);
    seen.push(...body.results.map(({ id }) => id));
    path = body.next;
  }
  expect(seen).toHaveLength(1205);
  expect(new Set(seen).size).toBe(1205);
});

test('a list within its cap has an exact count, not marked as an estimate', async () => {
  const { body } = await admin.get<Page>('/application/deploy-tasks/?version=v120');
  expect(body.count).toBe(7);
  expect(body).not.toHaveProperty('count_is_estimate');
});
