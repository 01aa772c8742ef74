// One run: deploys an application while processes are killed.
import { FollowingClient } from '../test/support/deploy/follower.ts';
import { makeScript, setHooks } from '../test/support/deploy/hooks.ts';
import { postUntilAnswered } from '../test/support/deploy/post-until-answered.ts';
import type { ProcessEstate } from '../test/support/deploy/processes.ts';
import { eventually } from '../test/support/harness.ts';
import { count, nothing } from './evidence.ts';
import { carryOut } from './killer.ts';
import type { Kill, RunningProcesses } from './killer.ts';
import type { Outcome } from './program.ts';
import { ledgerOf, saidOf } from './scenario.ts';
import type { Application, Scenario } from './scenario.ts';

const version = '1.0.0';
const lineCount = 40;
const finalMs = 60_000;
const asking = (good: number) => ({ good, patience: 120_000 });

const here = 'mkdir -p "$(dirname "$SLIPWAY_DEPLOY_PATH")"\n';
const ledger = (effect: string): string => `${here}echo "${effect}" >> "${ledgerOf('$SLIPWAY_DEPLOY_PATH')}"\n`;
const talk =
  `${ledger('pre_exec')}for n in $(seq ${lineCount}); do ` +
  `echo "line $n" >> "${saidOf('$SLIPWAY_DEPLOY_PATH')}"; echo "line $n"; sleep 0.05; done\n`;
const startup =
  `${ledger('start $(cat VERSION)')}mkdir -p "$(dirname "$SLIPWAY_PID_FILE")"\n` +
  'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"';

const effects = (_hostname: string, index: number): string[] => [
  ...(index === 0 ? ['global_pre_exec', 'global_post_exec'] : []),
  'pre_exec',
  `start ${version}`,
  'post_exec',
];

async function prepare(site: ProcessEstate, { estate }: Application): Promise<void> {
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
}

async function deploy({ estate, packageSource }: Application): Promise<number> {
  const { manager, applicationId, instanceIds } = estate;
  const task = await postUntilAnswered(
    manager,
    '/application/deploy-tasks/',
    {
      application_id: applicationId,
      level: 'I',
      version,
      package_source: packageSource,
      planned_exec_time: Math.floor(Date.now() / 1000) - 60,
    },
    asking(201),
  );
  const root = `/application/deploy-tasks/${String(task['id'])}`;
  await postUntilAnswered(manager, `${root}/actions/start/`, undefined, asking(200));
  const wish = { instances: instanceIds.map((id) => ({ id })), version, timeout: 600, update_source: packageSource };
  const subTask = await postUntilAnswered(manager, `${root}/sub-upgrade-tasks/`, wish, asking(202));
  return Number(subTask['task_id']);
}

const statusOf = async (site: ProcessEstate, taskId: number): Promise<string> =>
  (await site.db.selectFrom('tasks').select('status').where('id', '=', taskId).executeTakeFirstOrThrow()).status;

/** Deploys under these kills and counts the outcome. */
export async function runOnce(scenario: Scenario, running: RunningProcesses, kills: readonly Kill[]): Promise<Outcome> {
  const application = await scenario.application(version);
  await prepare(scenario.site, application);
  const killing = carryOut(scenario, running, kills);
  // May reject long before it is awaited below.
  killing.catch(() => undefined);
  return deployed(scenario.site, application, killing);
}

async function deployed(site: ProcessEstate, application: Application, killing: Promise<void>): Promise<Outcome> {
  try {
    const subTask = await deploy(application);
    const { token } = application.estate.manager;
    const watcher = new FollowingClient(`${site.liveUrl}/ws/tasks/${subTask}/output`, token);
    await killing;
    await eventually(async () => (await statusOf(site, subTask)) !== 'running', { timeout: finalMs, interval: 100 });
    const status = await statusOf(site, subTask);
    await watcher.end;
    const counts = await count(site, { application, subTask, effects }, watcher);
    if (status !== 'finished') counts.notFinished += 1;
    return { faults: { ...counts }, trouble: status === 'finished' ? null : `task ${subTask} is ${status}` };
  } catch (error) {
    await killing.catch(() => undefined);
    return {
      faults: { ...nothing(), notFinished: 1 },
      trouble: error instanceof Error ? error.message : String(error),
    };
  }
}
