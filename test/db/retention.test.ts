import { forgetOutput } from '../../db/tasks/retention.ts';
import { appendOutput } from '../../db/tasks/output.ts';
import { testDatabase } from '../support/harness.ts';
import type { TestDatabase } from '../support/harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

async function taskEnded(finishedTime: Date | null): Promise<number> {
  const { db } = database;
  const { id } = await db
    .insertInto('tasks')
    .values({ area: 'deploy', kind: 'upgrade', creator: 'test', timeoutSeconds: 1, finishedTime })
    .returning('id')
    .executeTakeFirstOrThrow();
  const line = { instanceId: null, host: 'h', step: 'start', stream: 'stdout', text: 'a line' } as const;
  await appendOutput(db, { taskId: id, source: 's', from: 0, to: 7, lines: [line], limitBytes: 1000 });
  return id;
}

test('only the output of tasks that ended before the limit is deleted', async () => {
  const limit = new Date('2026-01-01T00:00:00Z');
  const old = await taskEnded(new Date('2025-12-31T23:59:59Z'));
  const recent = await taskEnded(limit);
  const running = await taskEnded(null);
  expect(await forgetOutput(database.db, limit)).toBe(false);
  const left = await database.db.selectFrom('taskOutput').select('taskId').orderBy('taskId').execute();
  expect(left.map(({ taskId }) => taskId)).toEqual([recent, running]);
  const tasks = await database.db.selectFrom('tasks').select('id').execute();
  expect(tasks.map(({ id }) => id)).toContain(old);
});
