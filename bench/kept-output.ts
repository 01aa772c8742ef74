// 100 MB of output of one job on one host: the bytes left on the host and in the database against the limits, and the job's
// time with output kept, and also copied, against the same command writing to a file.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'kysely';
import { runJob } from '../activities/tasks/follow-job.ts';
import type { Job } from '../activities/providers/runner/driver.ts';
import { createLocalRunner } from '../activities/providers/runner/local.ts';
import { connect } from '../db/core/connect.ts';
import { timed } from './harness.ts';
import { until } from './until.ts';
import type { Benchmark, Row } from './harness.ts';

const mib = 2 ** 20;
const limitBytes = 50 * mib;
const host = { name: 'bench-output', runner: 'local' as const, address: null };
const origin = { instanceId: null, host: host.name, step: 'start' };

const jobOf = (id: string, content: string): Job => ({
  id,
  script: { language: 'bash', content },
  cwd: '/',
  env: {},
  user: null,
  outputLimitBytes: limitBytes,
});

/** Bytes of a job's output on the host. */
function bytesIn(folder: string): number {
  const names = readdirSync(folder).filter((name) => name.startsWith('std'));
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

const rowOf = (name: string, unit: Row['unit'], aim: number, base: number, ours: number): Row => ({
  name,
  unit,
  aim,
  noise: null,
  base,
  ours,
  ratio: ours / base,
});

export const keptOutput: Benchmark = async ({ stack, quick, say }) => {
  const lines = quick ? 600_000 : 1_000_000;
  const print = `seq -f '%099.0f' 1 ${lines}`;
  const dataDir = join(stack.dataDir, 'bench-output');
  mkdirSync(dataDir, { recursive: true });
  const runner = createLocalRunner({ dataDir });
  await runner.prepare(host);
  const db = connect(await stack.database('bench_output'), { max: 2, applicationName: 'bench' });
  const run = async (id: string, content: string): Promise<number> =>
    timed(async () => {
      await runner.start(host, jobOf(id, content));
      await until(async () => (await runner.state(host, id)).state !== 'running', 300_000);
    });
  try {
    say(`output: ${lines / 10_000} MB into a file, kept on the host, and copied`);
    const plain = await run('plain', `${print} | cat > plain`);
    const kept = await run('kept', print);
    const { id: taskId } = await db
      .insertInto('tasks')
      .values({ area: 'host', kind: 'initialize', creator: 'bench', timeoutSeconds: 600 })
      .returning('id')
      .executeTakeFirstOrThrow();
    const copied = await timed(() =>
      new MockActivityEnvironment().run(() =>
        runJob({ db, limitBytes, taskId, origin }, runner, host, jobOf('copied', print)),
      ),
    );
    const stored = await db
      .selectFrom('taskOutput')
      .select(sql<number>`coalesce(sum(octet_length(text) + 1), 0)::bigint`.as('bytes'))
      .where('taskId', '=', taskId)
      .executeTakeFirstOrThrow();
    const jobs = join(dataDir, 'hosts', host.name, '.slipway/jobs');
    const row = (name: string, unit: Row['unit'], aim: number, base: number, ours: number): Row =>
      rowOf(`${name} of ${lines / 10_000} MB of output`, unit, aim, base, ours);
    return [
      row('what lies on the host, of 50 MiB,', 'MiB', 1, 50, bytesIn(join(jobs, 'copied')) / mib),
      row('what lies in the database, of 50 MiB,', 'MiB', 1, 50, stored.bytes / mib),
      row('host’s side', 's', 3, plain / 1000, kept / 1000),
      row('all of it copied', 's', 40, plain / 1000, copied / 1000),
    ];
  } finally {
    await db.destroy();
    rmSync(dataDir, { recursive: true, force: true });
  }
};
