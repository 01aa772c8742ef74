// node bench/kill/hosts.ts [--runs 20] [--seed 1] [--hosts 100]: restarts hosts of two providers while worker, API, engine and
// database are killed without a warning at moments of a seed. Calls that are doubled and hosts that are forgotten or fail are
// counted against what the providers themselves have begun; anything but nothing ends it with status 1.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { countHosts, hostEstate, nothingWrong } from '../../test/hosts/killable.ts';
import type { HostCounts, HostEstate, KillableHost } from '../../test/hosts/killable.ts';
import { until } from '../harness.ts';
import { carryOut, schedule } from './killer.ts';
import type { Kill, Running } from './killer.ts';
import { Random } from './random.ts';

const victims = ['worker', 'api', 'temporal', 'postgres'] as const;
const noOther = (): Promise<void> => Promise.reject(new Error('the providers are not killed'));
const patienceMs = 120_000;
const finalMs = 180_000;

/** Asks for the restart as a careful client does: again with the same key until there is an answer. */
async function ask(site: HostEstate, hosts: readonly KillableHost[]): Promise<number> {
  const admin = await until(() => site.user({ admin: true }), patienceMs);
  const key = randomUUID();
  const body = hosts.map(({ id }) => ({ host_id: id, force: true }));
  const { status, body: answer } = await until(async () => {
    const found = await admin.post('/hosts/restart-tasks/', body, { 'idempotency-key': key });
    return found.status < 500 && !/first request/.test(JSON.stringify(found.body)) && found;
  }, patienceMs);
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(answer)}`);
  return Number(answer['task_id']);
}

async function runOnce(site: HostEstate, running: Running, kills: readonly Kill[], count: number): Promise<HostCounts> {
  const hosts = await until(() => site.hosts(count), patienceMs);
  const killing = carryOut({ site, kill: noOther }, running, kills);
  // Its failure is awaited below, perhaps long after it came.
  killing.catch(() => undefined);
  const taskId = await ask(site, hosts);
  await killing;
  await until(async () => {
    const task = await site.db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirstOrThrow();
    return task.status !== 'running';
  }, finalMs).catch(() => undefined);
  return countHosts(site, taskId, hosts);
}

async function runAll(runs: number, seed: number, hosts: number) {
  const site = await hostEstate();
  const total = { ...nothingWrong };
  const killed: Record<string, number> = {};
  const troubles: string[] = [];
  try {
    const [worker, api] = await Promise.all([site.start('worker'), site.start('api')]);
    const running = { worker, api };
    for (let one = seed; one < seed + runs; one += 1) {
      const begun = performance.now();
      const kills = schedule(new Random(one), victims);
      for (const { victim } of kills) killed[victim] = (killed[victim] ?? 0) + 1;
      const counts = await runOnce(site, running, kills, hosts);
      for (const key of Object.keys(counts) as (keyof HostCounts)[]) total[key] += counts[key];
      const isBad = Object.values(counts).some((found) => found > 0);
      const what = kills.map(({ victim, at }) => `${victim} at ${at} ms`).join(', ');
      const seconds = Math.round((performance.now() - begun) / 1000);
      const said = `seed ${one}: ${what}: ${isBad ? JSON.stringify(counts) : 'each once'}, ${seconds} s`;
      process.stderr.write(`${said}\n`);
      if (isBad) troubles.push(said);
    }
    return { killed, ...total, troubles };
  } finally {
    await site.close();
  }
}

async function main(): Promise<boolean> {
  const number = { type: 'string' as const };
  const { values } = parseArgs({ options: { runs: number, seed: number, hosts: number } });
  const [runs, seed, hosts] = [values.runs ?? '20', values.seed ?? '1', values.hosts ?? '100'].map(Number);
  if (!Number.isInteger(runs) || !Number.isInteger(seed) || !Number.isInteger(hosts))
    throw new Error('--runs, --seed and --hosts must be whole numbers');
  const begun = performance.now();
  const found = await runAll(runs ?? 0, seed ?? 0, hosts ?? 0);
  const seconds = Math.round((performance.now() - begun) / 1000);
  const report = JSON.stringify({ time: new Date(), runs, seed, hosts, seconds, ...found }, null, 2);
  const folder = join(import.meta.dirname, '../../dist');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kill-hosts.json'), `${report}\n`);
  process.stdout.write(`${report}\n${seconds} s on ${cpus().length} cores\n`);
  return found.troubles.length === 0;
}

main().then(
  (good) => process.exit(good ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
