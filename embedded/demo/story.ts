// The main job step by step, as two people do it over the API. Each step is skipped if done before.
import { readFileSync } from 'node:fs';
import { RefusedError } from './client.ts';
import type { DemoPage } from './client.ts';
import { packagePath, portFile } from './estate.ts';
import type { DemoEstate, Instance } from './estate.ts';
import type { People, DemoPerson } from './people.ts';
import { printOutput, say, step } from './print.ts';
import { eventually } from './wait.ts';

interface Task {
  id: number;
  status: string;
  plan_hash: string | null;
}

interface Plan {
  plan_hash: string | null;
  package: { source: string; sha256: string | null };
  instances: {
    hostname: string;
    present_version: string | null;
    new_version: string;
    steps: string[];
    conditions: Record<string, string>;
  }[];
}

interface Created {
  task_id: string;
  task_output: string;
}

const first = '1.0.0';
const second = '2.0.0';
export const versions = [first, second];

interface Stage {
  people: People;
  estate: DemoEstate;
  dataDir: string;
}

/** Runs the whole story; throws naming the step that failed. */
export async function story(stage: Stage): Promise<void> {
  const { people, estate } = stage;
  await step(`First rollout: ${first} (level I needs no approval)`, async () => {
    await deploy(stage, { version: first, level: 'I', purpose: 'first rollout' });
  });
  await step(`${people.mei.username} asks for ${second} (level A needs one approval by somebody else)`, async () => {
    await deploy(stage, { version: second, level: 'A', purpose: 'the new release' });
  });
  const [, last] = estate.instances;
  if (!last) throw new Error('the sample estate has no second instance');
  await step(`${people.mei.username} takes ${last.hostname} back to ${first}`, async () => {
    await revert(stage, last);
  });
  await step('What the services answer is what Slipway says', async () => {
    const path = `/applications/${estate.applicationId}/instances/`;
    const { results } = await people.mei.get<DemoPage<Instance>>(path);
    for (const instance of results) await answers(stage, instance, instance.version ?? 'nothing');
  });
}

interface Wish {
  version: string;
  level: string;
  purpose: string;
}

const finished = (tasks: Task[]): boolean => tasks.some(({ status }) => status === 'finished');

async function tasksFor({ people, estate }: Stage, { purpose, version }: Wish): Promise<Task[]> {
  const path = `/application/deploy-tasks/?application=${estate.applicationId}&version=${version}&page_size=100`;
  const { results } = await people.mei.get<DemoPage<Task & { description: string }>>(path);
  return results.filter(({ description }) => description === purpose);
}

async function ask(stage: Stage, wish: Wish): Promise<Task> {
  const { people, estate } = stage;
  const open = (await tasksFor(stage, wish)).find(({ status }) => !['failed', 'rejected', 'closed'].includes(status));
  if (open) return open;
  return people.mei.post<Task>('/application/deploy-tasks/', {
    application_id: estate.applicationId,
    version: wish.version,
    level: wish.level,
    description: wish.purpose,
    package_source: packagePath(wish.version),
    planned_exec_time: Math.floor(Date.now() / 1000) - 1,
  });
}

async function deploy(stage: Stage, wish: Wish): Promise<void> {
  const { mei, li } = stage.people;
  if (finished(await tasksFor(stage, wish))) {
    say('done before');
    return;
  }
  const task = await ask(stage, wish);
  const path = `/application/deploy-tasks/${task.id}`;
  await showPlan(mei, path);
  if ((await mei.get<Task>(`${path}/`)).status === 'wait_review') await approve(path, mei, li);
  await start(mei, path);
  const instances = stage.estate.instances.map(({ id }) => ({ id }));
  const body = { instances, update_source: packagePath(wish.version), version: wish.version };
  await follow(mei, `${path}/sub-upgrade-tasks/`, body);
  await eventually(`deploy task ${task.id} finishes by itself`, async () => {
    const { status } = await mei.get<Task>(`${path}/`);
    return status === 'finished';
  });
  say(`deploy task ${task.id} is finished: every instance has ${wish.version}`);
  for (const instance of stage.estate.instances) await answers(stage, instance, wish.version);
}

async function showPlan(mei: DemoPerson, path: string): Promise<void> {
  const plan = await eventually('the plan is made', async () => {
    const made = await mei.get<Plan>(`${path}/plan/`);
    return made.plan_hash === null ? false : made;
  });
  say(
    `plan ${plan.plan_hash?.slice(0, 12) ?? ''}: ${plan.package.source}, sha256 ${plan.package.sha256?.slice(0, 12) ?? '-'}`,
  );
  for (const { hostname, present_version: from, new_version: to, steps, conditions } of plan.instances) {
    const named = steps.map((step) => (step in conditions ? `${step} (${conditions[step]})` : step));
    say(`  ${hostname}: ${from ?? 'nothing'} -> ${to}: ${named.join(', ')}`);
  }
}

async function approve(path: string, mei: DemoPerson, li: DemoPerson): Promise<void> {
  try {
    await mei.post(`${path}/actions/approve/`);
    throw new Error(`${mei.username} approved a task of her own`);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    say(`${mei.username} approves: refused, ${error.code} ${error.message}`);
  }
  const { plan_hash: seen } = await li.get<Task>(`${path}/`);
  await li.post(`${path}/actions/approve/`, { plan_hash: seen, reason: 'looked at the plan' });
  say(`${li.username} approves the plan ${seen?.slice(0, 12) ?? ''}`);
}

async function start(mei: DemoPerson, path: string): Promise<void> {
  if ((await mei.get<Task>(`${path}/`)).status === 'approved') await mei.post(`${path}/actions/start/`);
  say(`${mei.username} starts it`);
}

/** Begins a sub-task and prints its output until it ends. */
async function follow(mei: DemoPerson, path: string, body: object): Promise<void> {
  const { task_id: id, task_output: output } = await mei.post<Created>(path, body);
  const status = await printOutput(output);
  if (status === 'finished') return;
  const { results } = await mei.get<{ results: { message: string | null }[] }>(`${path}${id}/`);
  throw new Error(`sub-task ${id} is ${status}: ${results.map(({ message }) => message ?? '').join('; ')}`);
}

async function revert(stage: Stage, instance: Instance): Promise<void> {
  const wish = { version: first, level: 'I', purpose: `rollback of ${instance.hostname}` };
  const { mei } = stage.people;
  if ((await tasksFor(stage, wish)).some(({ status }) => ['finished', 'failed'].includes(status))) {
    say('done before');
    return;
  }
  const task = await ask(stage, wish);
  const path = `/application/deploy-tasks/${task.id}`;
  await showPlan(mei, path);
  await start(mei, path);
  const body = { instances: [{ id: instance.id }], version: first };
  await follow(mei, `${path}/sub-revert-tasks/`, body);
  await answers(stage, instance, first);
  await mei.post(`${path}/actions/close/`, { reason: 'rolled back' });
}

/** Asks the running service for its version. */
async function answers({ dataDir }: Stage, { hostname }: Instance, version: string): Promise<void> {
  const url = `http://127.0.0.1:${readFileSync(portFile(dataDir, hostname), 'utf8').trim()}/`;
  const { version: running } = (await (await fetch(url)).json()) as { version: string };
  if (running !== version) throw new Error(`${url} on ${hostname} answers ${running} and not ${version}`);
  say(`${url} on ${hostname} answers ${running}`);
}
