// What a request costs in commits, calls of the engine and statements, and what a sub-task costs in history: counts, not
// times, so that they hold on any machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { templateDefaults } from '../../db/deploy/settings.ts';
import { json } from '../../db/core/jsonb.ts';
import { localHostFolder } from '../../kit/host-path.ts';
import { subTaskWorkflowId } from '../../workflows/deploy/contract.ts';
import { countIn } from '../support/counting.ts';
import type { Counter } from '../support/counting.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, makeTask, packagePath, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';

const list = '/application/deploy-tasks/';

/** Notes of use are one write a minute and token; here none comes due. */
const noNotesOfUse = ({ db }: World) =>
  db
    .updateTable('authTokens')
    .set({ lastUsedTime: new Date(Date.now() + 3_600_000) })
    .execute();

const wishOf = (estate: TestEstate) => ({
  application_id: estate.applicationId,
  level: 'A',
  package_source: packagePath('1.0.0'),
  planned_exec_time: Math.floor(Date.now() / 1000),
  version: '1.0.0',
});

// Without a worker only the request itself writes.
describe('a request to the API alone', () => {
  let world: World;
  let estate: TestEstate;
  let counter: Counter;
  beforeAll(async () => {
    world = await testWorld({ workers: 0 });
    estate = await makeEstate(world);
    counter = await countIn(world);
    await noNotesOfUse(world);
  });
  afterAll(async () => {
    counter.stop();
    await world.close();
  });

  const waiting = async (): Promise<number> => (await world.db.selectFrom('outbox').select('id').execute()).length;
  const create = async (): Promise<void> => {
    const { status } = await estate.manager.post(list, wishOf(estate));
    expect(status).toBe(201);
  };

  test('a creation is one commit and one call of the engine', async () => {
    const { commits, calls } = await counter.during(create);
    // A slow machine may see the acknowledgement of its outbox row already.
    expect(commits - (1 - (await waiting()))).toBe(1);
    expect(calls).toBe(1);
  });

  test('twenty creations at once are acknowledged in a few commits, not in twenty', async () => {
    await eventually(async () => (await waiting()) === 0);
    const { commits, calls } = await counter.during(async () => {
      await Promise.all(Array.from({ length: 20 }, create));
      await eventually(async () => (await waiting()) === 0);
    });
    expect(calls).toBe(20);
    expect(commits).toBeGreaterThan(20);
    expect(commits).toBeLessThanOrEqual(30);
  });

  test('reading writes nothing and does not ask the engine', async () => {
    const id = await world.db.selectFrom('deployTasks').select('id').executeTakeFirstOrThrow();
    const paths = [list, `${list}${id.id}/`, `${list}${id.id}/plan/`, `${list}?mine=true`, `${list}?awaiting_me=true`];
    for (const path of paths) {
      const { commits, calls } = await counter.during(async () => {
        expect((await estate.manager.get(path)).status).toBe(200);
      });
      expect({ path, commits, calls }).toEqual({ path, commits: 0, calls: 0 });
    }
  });

  const statementsOf = async (path: string, size: number): Promise<number> => {
    const { statements } = await counter.during(async () => {
      const { body } = await estate.manager.get<{ results: unknown[] }>(`${path}?page_size=${size}`);
      expect(body.results).toHaveLength(size);
    });
    return statements;
  };

  test('a page is read with the same few statements however many tasks it shows', async () => {
    const small = await statementsOf(list, 1);
    expect(await statementsOf(list, 20)).toBe(small);
    expect(small).toBeLessThanOrEqual(statementsOfPage);
  });

  test('applications and hosts are listed by two statements, for every filter and caller', async () => {
    const { manager, reviewer, applicationId } = estate;
    const below = `/applications/${applicationId}`;
    const filtered = ['/applications/?name=a&has_parent=0', '/applications/?name=nowhere', '/hosts/?ip=10.&status=raw'];
    const admin = await world.user({ admin: true });
    await noNotesOfUse(world);
    const reading = (user: typeof admin, path: string) => async () => {
      const { statements } = await counter.during(async () => {
        expect((await user.get(path)).status).toBe(200);
      });
      return statements;
    };
    for (const path of [...filtered, `${below}/child-apps/`, `${below}/response-person/`])
      for (const user of [manager, reviewer, admin])
        // The process keeps house meanwhile, and that is counted too.
        await eventually(async () => (await reading(user, path)()) === 2);
  });

  test('a page of templates is too: their applications, credentials and scripts are read at once', async () => {
    const templates = '/application/deploy-templates/';
    await makeTemplates(world, estate, 20);
    const small = await statementsOf(templates, 1);
    expect(await statementsOf(templates, 20)).toBe(small);
    expect(small).toBeLessThanOrEqual(statementsOfTemplates);
  });
});

// The token with what its user holds, the page with its count, what is around its tasks, the rights on their applications.
const statementsOfPage = 4;
// The token with its user's grants, whether they are a template user, the page with its count; applications, credentials,
// scripts.
const statementsOfTemplates = 6;

/** Templates with a hook and a credential each, the first linked by the estate's application. */
async function makeTemplates({ db }: World, { applicationId, manager }: TestEstate, count: number): Promise<void> {
  const creator = manager.username;
  for (let index = 0; index < count; index += 1) {
    const name = `template ${index}`;
    const script = await db
      .insertInto('deployScripts')
      .values({ name, creator, language: 'bash', content: 'true' })
      .returning('id')
      .executeTakeFirstOrThrow();
    const credential = await db
      .insertInto('repositoryCredentials')
      .values({ userId: manager.id, name, type: 'PASSWORD', username: 'ci', secret: json({}), ...noFacts })
      .returning('id')
      .executeTakeFirstOrThrow();
    const repository = json({ type: 'FTP', url: 'ftp://files.example.com/', credential: { id: credential.id } });
    const lifecycleHooks = json({ pre_exec: { running_user: null, script: { id: script.id } } });
    const { id: templateId } = await db
      .insertInto('deployTemplates')
      .values({ name, creator, repository, lifecycleHooks, deployPath: '/srv/t', ...templateDefaults })
      .returning('id')
      .executeTakeFirstOrThrow();
    if (index > 0) continue;
    await db.updateTable('deploySettings').set({ templateId }).where('applicationId', '=', applicationId).execute();
  }
}
const noFacts = { fingerprint: null, publicKey: null };

describe('with a worker', () => {
  let world: World;
  beforeAll(async () => {
    world = await testWorld();
  });
  afterAll(() => world.close());

  test('an approval is one commit, made by the workflow, and one call of the engine', async () => {
    const estate = await makeEstate(world);
    const id = await makeTask(world, estate);
    await eventually(async () => (await world.db.selectFrom('outbox').select('id').execute()).length === 0);
    const counter = await countIn(world);
    try {
      await noNotesOfUse(world);
      const { commits, calls } = await counter.during(async () => {
        expect((await estate.reviewer.post(`${list}${id}/actions/approve/`)).status).toBe(200);
      });
      expect({ commits, calls }).toEqual({ commits: 1, calls: 1 });
    } finally {
      counter.stop();
    }
  });

  const historyOf = async (workflowId: string) => world.temporal.workflow.getHandle(workflowId).fetchHistory();

  async function upgraded(estate: TestEstate, version = '1.0.0') {
    const id = await startedTask(world, estate, { version });
    const { body, status } = await estate.manager.post<{ task_id: string }>(`${list}${id}/sub-upgrade-tasks/`, {
      instances: estate.instanceIds.map((one) => ({ id: one })),
      update_source: packagePath(version),
      version,
    });
    expect(status).toBe(202);
    const subTask = await endedTask(world, Number(body.task_id), 50_000);
    expect(subTask).toMatchObject({ status: 'finished', error: null });
    await eventually(async () => (await taskOf(world, id)).status === 'finished', { timeout: 10_000 });
    return { id, subTask, workflowId: subTaskWorkflowId(id, 'upgrade', 1) };
  }

  test('no history holds output, text of scripts, bytes of a package, or a credential', async () => {
    const estate = await makeEstate(world, 1);
    await withHook(world, estate, 'echo "hook"-$((6 * 7)) # never-in-history');
    const { id, workflowId, subTask } = await upgraded(estate);
    const lines = await world.db.selectFrom('taskOutput').select('text').where('taskId', '=', subTask.id).execute();
    expect(lines.map(({ text }) => text)).toContain('hook-42');
    const package_ = readFileSync(
      join(localHostFolder(world.config.dataDir, estate.hostnames[0] ?? ''), packagePath('1.0.0')),
    );
    const foreign: Record<string, Buffer> = {
      output: Buffer.from('hook-42'),
      script: Buffer.from('never-in-history'),
      command: Buffer.from('SLIPWAY_HOST_ROOT'),
      package: package_.subarray(16, 48),
      'package in base64': Buffer.from(package_.subarray(18, 48).toString('base64')),
      token: Buffer.from(estate.manager.token),
      database: Buffer.from(new URL(world.database.url).password),
    };
    const histories = [await historyOf(`deploy-task/${id}`), await historyOf(workflowId)];
    const held = Buffer.concat(histories.flatMap(bytesIn));
    expect(held.includes('1.0.0')).toBe(true);
    expect(Object.keys(foreign).filter((what) => held.includes(foreign[what] ?? ''))).toEqual([]);
  });
});

/** Makes a script the `pre_exec` hook of an estate. */
async function withHook({ db }: World, { applicationId, name }: TestEstate, content: string): Promise<void> {
  const { id } = await db
    .insertInto('deployScripts')
    .values({ name: `hook of ${name}`, creator: 'test', language: 'bash', content })
    .returning('id')
    .executeTakeFirstOrThrow();
  const hooks = JSON.stringify({ pre_exec: { running_user: null, script: { id } } });
  await db
    .updateTable('deploySettings')
    .set({ lifecycleHooks: hooks })
    .where('applicationId', '=', applicationId)
    .execute();
}

/** Every text and every payload of a history. */
function bytesIn(value: unknown): Buffer[] {
  if (typeof value === 'string') return [Buffer.from(value)];
  if (value instanceof Uint8Array) return [Buffer.from(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(bytesIn);
}
