// What hooks get of what people write: quoted in their text, and in their environment as it is.
import { endedTask, makeEstate, placePackage, startedTask, testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { accepted, outcome, upgrade } from '../support/deploy/acts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

test('free text comes quoted and in the environment, as it is; stored scripts without LF run as they are meant', async () => {
  const estate = await makeEstate(world, 1);
  const description = `$(id) "a" 'b' \`c\`\n; rm 修复`;
  const text = JSON.stringify(description);
  await setHooks(world, estate, {
    pre_exec: await makeScript(
      world,
      '\ufeffset -e\r\n[ "$SLIPWAY_DESCRIPTION" = {{ task.description|quote }} ]\r\n' +
        'echo "$SLIPWAY_LEVEL $SLIPWAY_VERSION $SLIPWAY_CREATOR $SLIPWAY_HOST $SLIPWAY_FULL_NAME"\r\n' +
        'echo {{ task.level }} {{ version }} {{ task.creator }} {{ host.name }} {{ application.full_name }}\r\n',
    ),
    post_exec: await makeScript(
      world,
      'import json, os\nassert os.environ["SLIPWAY_DESCRIPTION"] == {{ task.description|tojson }}\n' +
        'assert {{ task.description|quote }} == {{ task.description|tojson }}\nprint(json.dumps({{ task.description|quote }}, ensure_ascii=False))\n',
      'python',
    ),
  });
  const id = await startedTask(world, estate, { description });
  const subTask = accepted(await upgrade(estate, id));
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished' });
  const output = await world.db
    .selectFrom('taskOutput')
    .select(['step', 'text'])
    .where('taskId', '=', subTask)
    .where('step', 'in', ['pre_exec', 'post_exec'])
    .where('stream', '=', 'stdout')
    .orderBy('seq')
    .execute();
  const line = `I 1.0.0 ${estate.manager.username} ${estate.hostnames[0] ?? ''} ${estate.name}`;
  expect(output.map((row) => row.text)).toEqual([line, line, text]);
});

test('a text that was approved runs as it was approved, though its template would give another one now', async () => {
  const estate = await makeEstate(world, 1);
  await setHooks(world, estate, { pre_exec: await makeScript(world, 'echo {{ version }}') });
  const id = await startedTask(world, estate);
  const { plan } = await world.db
    .selectFrom('deployPlans')
    .select('plan')
    .where('deployTaskId', '=', id)
    .executeTakeFirstOrThrow();
  const instances = plan.instances.map((one) => ({ ...one, hooks: { pre_exec: 'text' } }));
  await world.db
    .updateTable('deployPlans')
    .set({ plan: JSON.stringify({ ...plan, instances, hook_texts: { text: 'echo approved' } }) })
    .where('deployTaskId', '=', id)
    .execute();
  const subTask = accepted(await upgrade(estate, id));
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'finished' });
  const line = { step: 'pre_exec', text: 'approved' };
  const output = world.db.selectFrom('taskOutput').select(['step', 'text']).where('taskId', '=', subTask);
  expect(await output.where('step', '=', 'pre_exec').where('stream', '=', 'stdout').execute()).toEqual([line]);
});

test('a stored script that puts free text out raw keeps the task from being created, in words', async () => {
  const estate = await makeEstate(world, 1);
  await setHooks(world, estate, { pre_exec: await makeScript(world, 'true\necho "{{ task.description }}"') });
  const answer = await estate.manager.post('/application/deploy-tasks/', {
    application_id: estate.applicationId,
    version: '1.0.0',
    level: 'A',
    description: 'x',
    package_source: await placePackage(world, estate, '1.0.0'),
    planned_exec_time: 0,
  });
  expect(outcome(answer)).toEqual([400, 10001]);
  expect(answer.body['details']).toEqual([
    {
      field: 'lifecycle_hooks.pre_exec',
      message: expect.stringMatching(
        /line 2: task\.description is free text .* write \{\{ task\.description\|quote \}\}/,
      ),
    },
  ]);
});
