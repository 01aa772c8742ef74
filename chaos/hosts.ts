// node chaos/hosts.ts [--runs 20] [--seed 1] [--hosts 100]: restarts hosts of two providers while worker, API, engine and
// database are killed with SIGKILL at seeded moments. Duplicate calls and lost or failed hosts are counted against the calls
// that the providers recorded.
import { randomUUID } from 'node:crypto';
import { countHosts, hostEstate } from '../test/support/hosts/killable.ts';
import type { HostCounts, HostEstate, KillableHost } from '../test/support/hosts/killable.ts';
import { until } from '../bench/until.ts';
import { carryOut } from './killer.ts';
import type { Kill, RunningProcesses } from './killer.ts';
import { killAll } from './program.ts';

const noOther = (): Promise<void> => Promise.reject(new Error('the providers are not killed'));
const patienceMs = 120_000;
const finalMs = 180_000;

/** Requests the restart with retries under one idempotency key. */
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

async function runOnce(
  site: HostEstate,
  running: RunningProcesses,
  kills: readonly Kill[],
  count: number,
): Promise<HostCounts> {
  const hosts = await until(() => site.hosts(count), patienceMs);
  const killing = carryOut({ site, kill: noOther }, running, kills);
  // May reject long before it is awaited below.
  killing.catch(() => undefined);
  const taskId = await ask(site, hosts);
  await killing;
  await until(async () => {
    const task = await site.db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirstOrThrow();
    return task.status !== 'running';
  }, finalMs).catch(() => undefined);
  return countHosts(site, taskId, hosts);
}

await killAll('kill-hosts.json', { runs: 20, hosts: 100 }, async ({ hosts }) => {
  const site = await hostEstate();
  return {
    name: `${hosts} hosts of two providers`,
    site,
    kill: noOther,
    victims: ['worker', 'api', 'temporal', 'postgres'],
    spanMs: 6_000,
    run: async (running, kills) => ({ faults: { ...(await runOnce(site, running, kills, hosts)) } }),
    close: () => site.close(),
  };
});
