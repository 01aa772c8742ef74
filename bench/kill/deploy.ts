// One run: an application on some hosts is deployed while processes are killed. Whoever asks for it asks as a careful
// client does: again, with the same Idempotency-Key, until he has an answer.
import { randomUUID } from 'node:crypto';
import type { Answer, TestUser } from '../../test/api/app.ts';
import { Follower } from '../../test/deploy/follower.ts';
import { makeScript, setHooks } from '../../test/deploy/hooks.ts';
import type { Estate } from '../../test/deploy/processes.ts';
import { makeEstate, packagePath, placePackage } from '../../test/world.ts';
import type { TestEstate } from '../../test/world.ts';
import { until } from '../harness.ts';
import { count, nothing } from './evidence.ts';
import type { Counts } from './evidence.ts';
import { carryOut } from './killer.ts';
import type { Kill, Running } from './killer.ts';

export interface Run {
  kills: readonly Kill[];
  counts: Counts;
  seconds: number;
  /** What a person should look at; null: nothing. */
  trouble: string | null;
}

const version = '1.0.0';
const lineCount = 40;
const finalMs = 60_000;
const patienceMs = 120_000;

const ledger = (effect: string): string => `echo "${effect}" >> "$SLIPWAY_HOST_ROOT/ledger"\n`;
const talk =
  `${ledger('pre_exec')}for n in $(seq ${lineCount}); do ` +
  'echo "line $n" >> "$SLIPWAY_HOST_ROOT/said"; echo "line $n"; sleep 0.05; done\n';
const startup =
  'mkdir -p "$SLIPWAY_HOST_ROOT/run"; echo "start $(cat VERSION)" >> "$SLIPWAY_HOST_ROOT/ledger"; ' +
  'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"';

const effects = (_hostname: string, index: number): string[] => [
  ...(index === 0 ? ['global_pre_exec', 'global_post_exec'] : []),
  ...['pre_exec', `start ${version}`, 'post_exec'],
];

async function prepared(site: Estate, hosts: number): Promise<TestEstate> {
  const estate = await makeEstate(site, hosts);
  await site.db
    .updateTable('applications')
    .set({ startupCmd: startup })
    .where('id', '=', estate.applicationId)
    .execute();
  const hook = (content: string) => makeScript(site, content);
  await setHooks(site, estate, {
    global_pre_exec: await hook(ledger('global_pre_exec')),
    pre_exec: await hook(talk),
    post_exec: await hook(ledger('post_exec')),
    global_post_exec: await hook(ledger('global_post_exec')),
  });
  await placePackage(site, estate, version);
  return estate;
}

/** Asks until there is an answer that is one; the key makes all attempts one request. */
async function insist(user: TestUser, path: string, body: unknown, good: number): Promise<Record<string, unknown>> {
  let key = randomUUID();
  const answer = await until(async () => {
    const found: Answer = await user.post(path, body, { 'idempotency-key': key });
    const said = JSON.stringify(found.body);
    // What is away, or still has the first request, is asked again with the same key; what was refused, with another.
    if (found.status >= 500 || pending.test(said)) return false;
    if (!passing.test(said)) return found;
    key = randomUUID();
    return false;
  }, patienceMs);
  if (answer.status !== good) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The answer to a key whose first request has none yet. */
const pending = /first request/;
/** Refusals that pass by themselves. */
const passing = /plan is still|not approved yet/;

async function deploy(estate: TestEstate): Promise<number> {
  const { manager, applicationId, instanceIds } = estate;
  const task = await insist(
    manager,
    '/application/deploy-tasks/',
    {
      ...{ application_id: applicationId, level: 'I', version, package_source: packagePath(version) },
      planned_exec_time: Math.floor(Date.now() / 1000) - 60,
    },
    201,
  );
  const root = `/application/deploy-tasks/${String(task['id'])}`;
  await insist(manager, `${root}/actions/start/`, undefined, 200);
  const wish = {
    ...{ instances: instanceIds.map((id) => ({ id })), version, timeout: 600 },
    update_source: packagePath(version),
  };
  const subTask = await insist(manager, `${root}/sub-upgrade-tasks/`, wish, 202);
  return Number(subTask['task_id']);
}

const statusOf = async (site: Estate, taskId: number): Promise<string> =>
  (await site.db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirstOrThrow()).status;

/** Deploys under these kills and counts what came of it. */
export async function runOnce(site: Estate, running: Running, kills: readonly Kill[], hosts: number): Promise<Run> {
  const begun = performance.now();
  const run = (counts: Counts, trouble: string | null): Run => ({
    ...{ kills, counts, trouble, seconds: Math.round((performance.now() - begun) / 1000) },
  });
  const estate = await prepared(site, hosts);
  const killing = carryOut(site, running, kills);
  // Its failure is awaited below, perhaps long after it came.
  killing.catch(() => undefined);
  try {
    const subTask = await deploy(estate);
    const watcher = new Follower(`${site.liveUrl}/ws/tasks/${subTask}/output`, estate.manager.token);
    await killing;
    await until(async () => (await statusOf(site, subTask)) !== 'running', finalMs);
    const status = await statusOf(site, subTask);
    await watcher.end;
    const counts = await count(site, { hostnames: estate.hostnames, subTask, effects }, watcher);
    if (status !== 'finished') counts.notFinished += 1;
    return run(counts, status === 'finished' ? null : `task ${subTask} is ${status}`);
  } catch (error) {
    await killing.catch(() => undefined);
    return run({ ...nothing(), notFinished: 1 }, error instanceof Error ? error.message : String(error));
  }
}
